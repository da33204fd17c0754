// voxflow phantom: makes a small synthetic facility, and scores results against its truth.
#include <memory>

#include <fmt/format.h>

#include "pipeline/archive/image_file.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/phantom_score_registration.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/phantom/facility.hpp"
#include "pipeline/phantom/score.hpp"
#include "pipeline/phantom/truth.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

namespace {
/// Channel 0 of an archived image as T, z-y-x.
template <class T>
std::vector<T> read_result(const archive::Archive& archive, const catalog::Entity& entity) {
  const archive::ImageReader reader(archive.root() / entity.artifact / entity.file);
  const Grid& grid = reader.info().grid;
  std::vector<T> voxels(static_cast<std::size_t>(count(grid.shape)));
  visit_dtype(reader.info().dtype, [&](auto* null) {
    using Stored = std::remove_pointer_t<decltype(null)>;
    std::vector<Stored> stored(voxels.size());
    reader.read(0, 0, grid.box(), VolumeView<Stored>(stored.data(), grid.shape));
    for (std::size_t i = 0; i < voxels.size(); ++i) voxels[i] = convert_voxel<T>(stored[i]);
  });
  return voxels;
}

/// The result of one step of the workflow on an image; nothing when there is none.
std::optional<catalog::Entity> result_of(catalog::CatalogClient& catalog, const std::string& image,
                                         const std::string& workflow, const std::string& kernel) {
  const auto found = catalog.find(catalog::query::parse(
      fmt::format("workflow = \"{}\" and kernel = \"{}\" and derived_from(\"{}\")", workflow, kernel, image)));
  if (found.empty()) return std::nullopt;
  return found.back();
}

struct ScoreOptions {
  std::string folder, workflow;
};

/// For the folder of a label image.
std::string how_to_open(const fs::path& labels) {
  return fmt::format(
      "Open a table in any spreadsheet, R or pandas; an image, such as the labels of the first one,\n"
      "  in Fiji:    Plugins > BigDataViewer > Open XML/HDF5: {}\n"
      "  in Python:  h5py.File('{}')['t00000/s00/0/cells'][...]",
      (labels / "data.xml").string(), (labels / "data.h5").string());
}

int score(Session& session, const ScoreOptions& options) {
  fs::path opened;
  auto& catalog = session.catalog();
  const archive::Archive& archive = session.archive();
  TextTable table({"image", "objects found / truth", "matched", "PSNR before", "PSNR after", "time", "objects are in"});
  for (const phantom::ImageTruth& truth : phantom::read_truth(options.folder)) {
    const auto labels = phantom::read_labels(options.folder, truth.image);
    if (!labels) continue;  // beads
    const auto image = catalog.get(truth.image);
    const auto denoised = result_of(catalog, image.id, options.workflow, "denoise.median");
    const auto components = result_of(catalog, image.id, options.workflow, "segment.components");
    const auto objects = result_of(catalog, image.id, options.workflow, "measure.objects");
    if (!denoised || !components || !objects) {
      table.add({truth.image, "not processed"});
      continue;
    }
    if (opened.empty()) opened = archive.root() / components->artifact;
    const auto clean = phantom::read_clean(options.folder, truth.image, 0);
    const auto score = phantom::match_objects(labels->voxels, read_result<std::uint32_t>(archive, *components));
    double seconds = 0;
    for (const auto& e : catalog.find(catalog::query::parse(
             fmt::format("workflow = \"{}\" and derived_from(\"{}\")", options.workflow, image.id))))
      seconds += archive.manifest(e.artifact).value().wall_s;
    table.add({truth.image, fmt::format("{} / {}", score.found, score.truth), std::to_string(score.matched),
               fmt::format("{:.1f} dB", phantom::psnr(clean.voxels, read_result<float>(archive, image))),
               fmt::format("{:.1f} dB", phantom::psnr(clean.voxels, read_result<float>(archive, *denoised))),
               fmt::format("{:.2f} s", seconds), (archive.root() / objects->artifact / objects->file).string()});
  }
  print(table.text());
  if (!opened.empty()) print(how_to_open(opened));
  return 0;
}
}  // namespace

void add_phantom(CLI::App& app, Session& session) {
  struct MakeOptions {
    std::string folder;
    phantom::FacilityOptions facility;
    bool replace = false;
  };
  auto* command = app.add_subcommand("phantom", "A small synthetic facility with known truth");
  command->require_subcommand(1);

  auto* make = command->add_subcommand("make", "Write the facility's TIFF files, annotations and truth");
  const auto make_options = std::make_shared<MakeOptions>();
  make->add_option("folder", make_options->folder, "Folder to write to")->required();
  make->add_option("--images", make_options->facility.images, "Images of nuclei (default 3)")
      ->check(CLI::Range(1, 1000));
  make->add_option("--seed", make_options->facility.seed, "Another seed makes another facility (default 1)");
  make->add_flag("--replace", make_options->replace, "Replace files that are there");
  make->callback([&session, make_options] {
    session.action = [make_options] {
      phantom::write_facility(make_options->folder, make_options->facility,
                              make_options->replace ? interop::Existing::replace : interop::Existing::refuse);
      print(fmt::format("{} images of two channels in {}", phantom::image_count(make_options->facility),
                        (fs::path(make_options->folder) / "images").string()));
      return 0;
    };
  });

  auto* against = command->add_subcommand("score", "Compare a workflow's results with the facility's truth");
  const auto score_options = std::make_shared<ScoreOptions>();
  against->add_option("folder", score_options->folder, "Folder of the facility")->required();
  against->add_option("--workflow", score_options->workflow, "Workflow whose results are scored")->required();
  against->callback([&session, score_options] {
    session.action = [&session, score_options] {
      const auto& [folder, workflow] = *score_options;
      const bool registered = score_registration(session, folder, workflow);
      const auto labelled = catalog::query::parse(fmt::format("workflow = \"{}\" and kind = \"labels\"", workflow));
      return registered && session.catalog().count(labelled) == 0 ? 0 : score(session, *score_options);
    };
  });
}

}  // namespace voxflow::cli
