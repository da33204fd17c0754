#include "pipeline/cli/phantom_score_registration.hpp"

#include <cmath>

#include <fmt/format.h>

#include "pipeline/cli/print.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/phantom/truth.hpp"
#include "pipeline/record/transforms.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

namespace {
constexpr const char* kMeasures = "register.phase_correlation";
constexpr const char* kApplies = "register.apply";

std::optional<catalog::Entity> latest(catalog::CatalogClient& catalog, const std::string& query) {
  const auto found = catalog.find(catalog::query::parse(query));
  if (found.empty()) return std::nullopt;
  return found.back();
}

/// The transforms that an image was resampled with, or that were measured in the image itself; where they lie.
std::optional<fs::path> transforms_of(Session& session, const std::string& image, const std::string& workflow) {
  const archive::Archive& archive = session.archive();
  const auto made_by = [&](const char* kernel) {
    return latest(session.catalog(), fmt::format("workflow = \"{}\" and kernel = \"{}\" and derived_from(\"{}\")",
                                                 workflow, kernel, image));
  };
  if (const auto measured = made_by(kMeasures)) return archive.root() / measured->artifact / measured->file;
  const auto resampled = made_by(kApplies);
  if (!resampled) return std::nullopt;
  const record::Manifest manifest = archive.manifest(resampled->artifact).value();
  for (const record::InputRecord& in : manifest.inputs)
    if (in.port == "transform")
      return archive.root() / in.artifact / archive.manifest(in.artifact).value().output(in.output_port)->file;
  return std::nullopt;
}

std::string shift_text(const Point3& um) {
  return fmt::format("{:+.3f} {:+.3f} {:+.3f}", um[kZ], um[kY], um[kX]);
}

std::vector<std::string> score_row(const phantom::ImageTruth& truth, const Grid& grid, const fs::path& transforms) {
  const Point3 found = record::transform_set_from(read_file(transforms)).at(0, 1).translation_um;
  double um = 0, voxels = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const double error = found[i] - truth.shift_um[i];
    um += error * error, voxels += std::pow(error / grid.spacing[i].value, 2);
  }
  return {truth.image,
          shift_text(truth.shift_um),
          shift_text(found),
          fmt::format("{:.4f} um", std::sqrt(um)),
          fmt::format("{:.3f}", std::sqrt(voxels)),
          transforms.string()};
}
}  // namespace

bool score_registration(Session& session, const std::string& folder, const std::string& workflow) {
  auto& catalog = session.catalog();
  if (!latest(catalog, fmt::format("workflow = \"{}\" and kernel = \"{}\"", workflow, kMeasures))) return false;
  TextTable table(
      {"image", "true shift z y x [um]", "found shift z y x [um]", "error", "in voxels", "transform is in"});
  for (const phantom::ImageTruth& truth : phantom::read_truth(folder)) {
    const catalog::Entity image = catalog.get(truth.image);
    const auto transforms = transforms_of(session, image.id, workflow);
    table.add(transforms ? score_row(truth, image.image.value().grid, *transforms)
                         : std::vector<std::string>{truth.image, "not processed"});
  }
  print(table.text());
  return true;
}

}  // namespace voxflow::cli
