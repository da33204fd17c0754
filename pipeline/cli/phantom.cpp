// voxflow phantom: makes a small synthetic facility, and scores results against its truth.
#include <map>
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

/// What a workflow made of an image; the latest of each family of kernels.
struct Results {
  std::optional<catalog::Entity> denoised, deconvolved, labels, objects;
  int steps = 0;
  double seconds = 0;
};

/// The denoised image that `entity` was made from, where another workflow had made it already.
std::optional<catalog::Entity> denoised_before(Session& session, const std::string& entity) {
  for (const catalog::Link& link : session.catalog().lineage(entity, catalog::Direction::ancestors)) {
    const auto activity = session.catalog().generated_by(link.source);
    if (activity && activity->kernel.starts_with("denoise.")) return session.catalog().get(link.source);
  }
  return std::nullopt;
}

Results results_of(Session& session, const std::string& image, const std::string& workflow) {
  Results results;
  auto made = session.catalog().find(
      catalog::query::parse(fmt::format("workflow = \"{}\" and derived_from(\"{}\")", workflow, image)));
  std::stable_sort(made.begin(), made.end(), [](const auto& a, const auto& b) { return a.created < b.created; });
  for (const catalog::Entity& e : made) {
    const record::Manifest manifest = session.archive().manifest(e.artifact).value();
    ++results.steps;
    results.seconds += manifest.wall_s;
    if (manifest.kernel.starts_with("denoise.")) results.denoised = e;
    if (manifest.kernel.starts_with("deconvolve.")) results.deconvolved = e;
    if (e.kind == catalog::EntityKind::labels) results.labels = e;
    if (manifest.kernel == "measure.objects") results.objects = e;
  }
  if (!results.denoised && results.deconvolved) results.denoised = denoised_before(session, results.deconvolved->id);
  return results;
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

std::string decibels(double v) {
  return fmt::format("{:.1f} dB", v);
}

/// One row: what was found, and how near each step came to what it is to restore; "-" where there is no such step.
std::vector<std::string> score_row(Session& session, const ScoreOptions& options, const std::string& image,
                                   const phantom::TruthVolume<std::uint32_t>& labels, const Results& results,
                                   bool with_sharp) {
  const archive::Archive& archive = session.archive();
  std::vector<std::string> row{image, "-", "-"};
  if (results.labels) {
    const auto found = phantom::match_objects(labels.voxels, read_result<std::uint32_t>(archive, *results.labels));
    row = {image, fmt::format("{} / {}", found.found, found.truth), std::to_string(found.matched)};
  }
  const auto clean = phantom::read_clean(options.folder, image, 0);
  const auto before = read_result<float>(archive, session.catalog().get(image));
  const auto denoised = results.denoised ? read_result<float>(archive, *results.denoised) : before;
  row.push_back(decibels(phantom::psnr(clean.voxels, before)));
  row.push_back(results.denoised ? decibels(phantom::psnr(clean.voxels, denoised)) : "-");
  if (with_sharp) {
    const auto sharp = phantom::read_sharp(options.folder, image, 0);
    const auto near_sharp = [&](const std::vector<float>& voxels) {
      return decibels(phantom::psnr_after_fit(sharp->voxels, voxels));
    };
    row.push_back(sharp ? near_sharp(denoised) : "-");
    row.push_back(sharp && results.deconvolved ? near_sharp(read_result<float>(archive, *results.deconvolved)) : "-");
  }
  row.push_back(fmt::format("{:.2f} s", results.seconds));
  row.push_back(results.objects ? (archive.root() / results.objects->artifact / results.objects->file).string() : "-");
  return row;
}

int score(Session& session, const ScoreOptions& options) {
  std::map<std::string, Results> of_image;
  bool with_sharp = false;
  fs::path opened;
  const auto images = phantom::read_truth(options.folder);
  for (const phantom::ImageTruth& truth : images) {
    if (truth.subject != "nuclei") continue;
    const Results results = results_of(session, session.catalog().get(truth.image).id, options.workflow);
    with_sharp = with_sharp || results.deconvolved.has_value();
    if (opened.empty() && results.labels) opened = session.archive().root() / results.labels->artifact;
    of_image[truth.image] = results;
  }
  std::vector<std::string> header{"image", "objects found / truth", "matched", "PSNR before", "PSNR after"};
  if (with_sharp) header.insert(header.end(), {"sharp before", "sharp after"});
  header.insert(header.end(), {"time", "objects are in"});
  TextTable table(header);
  for (const phantom::ImageTruth& truth : images) {
    const auto labels = phantom::read_labels(options.folder, truth.image);
    if (!labels || truth.subject != "nuclei") continue;
    const Results& results = of_image[truth.image];
    if (results.steps == 0)
      table.add({truth.image, "not processed"});
    else
      table.add(score_row(session, options, truth.image, *labels, results, with_sharp));
  }
  print(table.text());
  if (with_sharp)
    print(
        "PSNR: against the picture without noise, before and after denoising. Sharp: PSNR against the light itself, "
        "not\n"
        "blurred, after a linear fit, before and after deconvolution.");
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
