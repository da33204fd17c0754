// voxflow import: microscope files become acquisitions of the archive.
#include <algorithm>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "catalog/store/annotation_rules.hpp"
#include "pipeline/cli/annotations.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/import.hpp"
#include "pipeline/record/identity.hpp"

namespace voxflow::cli {

namespace {
struct Options {
  std::vector<std::string> files, channel_names, annotations;
  std::string project, name, files_are, pages, spacing, dataset;
  std::optional<int> series;
};

/// "0.5,0.2,0.2 um" or "0.5 um, 200 nm, 200 nm": z, y, x.
Spacing3 parse_spacing(const std::string& text) {
  const auto parts = split(text, ',');
  const auto wrong = [&] {
    return UserError(fmt::format("--spacing is '{}'; write z,y,x with a unit, such as '0.5,0.2,0.2 um'", text));
  };
  if (parts.size() != 3) throw wrong();
  const auto last = parse_quantity(parts[2]);
  if (!last || last->unit.empty()) throw wrong();
  Spacing3 spacing;
  for (std::size_t i = 0; i < 3; ++i) {
    auto q = parse_quantity(parts[i]);
    if (!q) throw wrong();
    if (q->unit.empty()) q->unit = last->unit;
    spacing[i] = {convert(*q, "um")};
    if (!(spacing[i].value > 0)) throw wrong();
  }
  return spacing;
}

/// One request for each image that the files make up.
std::vector<interop::ImportRequest> requests(const Options& options) {
  using interop::Files;
  const std::map<std::string, Files> kinds{{"channels", Files::channels}, {"timepoints", Files::timepoints}};
  if (options.files.size() > 1 && options.files_are.empty())
    throw UserError(
        fmt::format("{} files were given; say what they are with --files-are images, channels or timepoints",
                    options.files.size()));
  interop::ImportRequest common;
  common.project = options.project;
  common.agent = current_agent();
  common.channel_names = options.channel_names;
  common.annotations = parse_annotations(options.annotations);
  common.series = options.series;
  common.dataset = options.dataset;
  const std::map<std::string, interop::PageAxis> axes{
      {"", interop::PageAxis::z}, {"z", interop::PageAxis::z}, {"t", interop::PageAxis::t}};
  common.pages = axes.at(options.pages);
  if (!options.spacing.empty()) common.spacing = parse_spacing(options.spacing);

  std::vector<std::string> files = options.files;
  std::sort(files.begin(), files.end(), natural_less);
  const auto kind = kinds.find(options.files_are);
  if (options.files.size() == 1 || kind != kinds.end()) {
    common.name = options.name;
    common.how = kind == kinds.end() ? Files::one_image : kind->second;
    // Channels keep the order in which they were given, since their names do; timepoints are numbered in their names.
    const auto& ordered = common.how == Files::timepoints ? files : options.files;
    common.files.assign(ordered.begin(), ordered.end());
    return {common};
  }
  if (!options.name.empty()) throw UserError("--name names one image, but several are imported; leave it out");
  std::vector<interop::ImportRequest> each;
  for (const std::string& file : files) {
    each.push_back(common);
    each.back().files = {file};
  }
  return each;
}

/// The annotations as the catalog's keys want them, checked before anything is imported.
std::vector<record::Annotation> fitting(catalog::CatalogClient& catalog, const std::vector<record::Annotation>& given) {
  const auto keys = catalog.keys();
  std::vector<record::Annotation> fitted;
  for (const auto& annotation : given) {
    catalog::require_usable(annotation.key);
    const auto declared =
        std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key.name == annotation.key.name; });
    fitted.push_back(declared == keys.end() ? annotation : catalog::fit(*declared, annotation));
  }
  return fitted;
}

/// An image that was there takes the annotations given now; its channels keep their names.
void add_to_known(Session& session, const interop::ImportRequest& request, const interop::Imported& known) {
  const auto manifest = session.archive().manifest(known.artifact);
  const auto& channels = manifest.value().output("image")->image->channels;
  for (std::size_t i = 0; i < request.channel_names.size(); ++i)
    if (request.channel_names[i] != channels.at(i).name)
      throw UserError(
          fmt::format("image '{}' holds the same voxels, and its channel {} is named '{}', not '{}'; an acquisition is "
                      "never changed",
                      known.name, i, channels[i].name, request.channel_names[i]));
  if (request.annotations.empty()) return;
  const record::AnnotationChange change{record::content_id(known.content), request.annotations, {}, request.agent};
  session.catalog().annotate_all({&change, 1});
}

/// " (the same as NAME of project P)" where another project has the same voxels; they are one image in the catalog.
std::string other_name(Session& session, const interop::Imported& imported) {
  const catalog::Entity entity = session.catalog().get(record::content_id(imported.content));
  if (entity.artifact == imported.artifact) return "";
  return fmt::format(" (the same as '{}' of project {})", entity.name, entity.project);
}

int import(Session& session, const Options& options) {
  auto wanted = requests(options);
  const auto annotations = fitting(session.catalog(), wanted.front().annotations);
  for (auto& request : wanted) request.annotations = annotations;
  const auto& archive = session.archive();
  TextTable table({"image", "t c z y x", "spacing z y x", "voxels", "id"});
  int exit_code = 0;
  for (const auto& request : wanted) {
    try {
      const auto imported = interop::import_image(request, archive);
      session.catalog().ingest();
      if (imported.already_there) add_to_known(session, request, imported);
      const std::string known_as = other_name(session, imported);
      table.add({imported.name + (!known_as.empty()        ? known_as
                                  : imported.already_there ? " (was there)"
                                                           : ""),
                 shape_text(imported.info), spacing_text(imported.info.grid),
                 std::string(to_string(imported.info.dtype)), "sha256:" + imported.content.hex()});
    } catch (const DiskFullError&) {
      throw;  // every further file would fail alike
    } catch (const Error& e) {
      if (wanted.size() == 1) throw;
      log::error("{}", e.what());
      exit_code = static_cast<int>(e.code());
    }
  }
  print(table.text());
  if (wanted.size() > 1) print(fmt::format("{} of {} imported", table.rows(), wanted.size()));
  return exit_code;
}
}  // namespace

void add_import(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("import", "Take microscope files into the archive");
  const auto options = std::make_shared<Options>();
  command->add_option("files", options->files, "TIFF, OME-TIFF, BigDataViewer, Imaris or HDF5 files")->required();
  command->add_option("--project", options->project, "Project that the images belong to")->required();
  command->add_option("--name", options->name, "Name of the image (default: the file's)");
  command
      ->add_option("--files-are", options->files_are,
                   "What several files are: an image each, or the channels or timepoints of one image")
      ->check(CLI::IsMember({"images", "channels", "timepoints"}));
  command->add_option("--channel-names", options->channel_names, "Names of the channels, in order: DAPI,LaminB1")
      ->delimiter(',');
  command->add_option(
      "--spacing", options->spacing,
      "Distance of voxels z,y,x with unit, where the files do not say it or say it wrongly: 0.5,0.2,0.2 um");
  command->add_option("--pages", options->pages, "What the pages are of a TIFF that does not say it: z (default) or t")
      ->check(CLI::IsMember({"z", "t"}));
  command->add_option("--annotate", options->annotations, "key=value, such as species=G12 or time_post_infection=18h")
      ->take_all();
  command->add_option("--series", options->series, "Which image of a file that holds several, from 0");
  command->add_option("--dataset", options->dataset, "Which dataset of an HDF5 file that holds several: /volumes/raw");
  command->callback(
      [&session, options] { session.action = [&session, options] { return import(session, *options); }; });
}

}  // namespace voxflow::cli
