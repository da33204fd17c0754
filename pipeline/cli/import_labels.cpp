// voxflow import-labels: regions that a person drew in ImageJ become labels of the image they were drawn on.
#include <memory>

#include <fmt/format.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/naming.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/interop/label_import.hpp"

namespace voxflow::cli {

namespace {
struct Options {
  std::string rois, image, step = "labels", by, project;
  bool groups = false, each_channel = false;
};

int import_labels(Session& session, const Options& options) {
  const catalog::Entity image = session.catalog().get(options.image);
  if (!image.image)
    throw UserError(fmt::format("{} is a {}, and regions are drawn on images", quoted(image), to_string(image.kind)));
  interop::LabelImportRequest request;
  request.rois = options.rois;
  const auto manifest = session.archive().manifest(image.artifact);
  const std::string port = image.port.empty() ? manifest.value().outputs.front().port : image.port;
  request.image = {"image", image.id, image.content_digest, image.artifact, port};
  request.project = options.project.empty() ? image.project : options.project;
  request.step = options.step;
  request.agent = options.by.empty() ? current_agent() : options.by;
  request.host = host_name();
  request.objects = options.groups ? interop::Objects::groups : interop::Objects::regions;
  request.each_channel = options.each_channel;
  const interop::ImportedLabels imported = interop::import_labels(request, session.archive());
  session.catalog().ingest();
  if (session.json) {
    print_json({{"id", imported.id},
                {"artifact", imported.artifact},
                {"already_there", imported.already_there},
                {"regions", imported.regions},
                {"objects", imported.objects},
                {"covered_voxels", imported.covered_voxels}});
    return 0;
  }
  const catalog::Entity labels = session.catalog().get(imported.id);
  print(fmt::format("{}{}: {} objects of {} regions, drawn by {}", quoted(labels),
                    imported.already_there ? " (was there)" : "", imported.objects, imported.regions, request.agent));
  if (imported.covered_voxels > 0)
    print(fmt::format("{} voxels lie in several objects and went to the last of them", imported.covered_voxels));
  return 0;
}
}  // namespace

void add_import_labels(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("import-labels", "Take regions drawn in ImageJ into the archive as labels");
  const auto options = std::make_shared<Options>();
  command->add_option("rois", options->rois, "A .zip of ImageJ's ROI Manager (More > Save), or a .roi file")
      ->required();
  command->add_option("--of", options->image, "The image they were drawn on: name, id, or the beginning of an id")
      ->required();
  command->add_option("--step", options->step, "Found as '<image> drawn/STEP' (default: labels)");
  command->add_option("--by", options->by, "Who drew them (default: you)");
  command->add_option("--project", options->project, "Project that the labels belong to (default: the image's)");
  command->add_flag("--groups", options->groups,
                    "Regions of one ImageJ group are one object, such as the slices of a cell");
  command->add_flag("--each-channel", options->each_channel,
                    "Regions belong to the channel they were drawn on (default: to all)");
  command->callback(
      [&session, options] { session.action = [&session, options] { return import_labels(session, *options); }; });
}

}  // namespace voxflow::cli
