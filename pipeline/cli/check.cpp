// voxflow check: reads a workflow as `run` would, or a mask as `import` would, and reports every problem; or holds an
// artifact against the rules of the format.
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "pipeline/acquisition/mask.hpp"
#include "pipeline/archive/check.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/engine/plan.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

namespace {
struct Options {
  std::string target;
  bool layout_only = false;
};

int check_workflow(Session& session, const std::string& file) {
  const auto flow = workflow::load(file, engine::kernel_lookup(session.kernels()));
  print(fmt::format("{}: workflow '{}' is sound: {} step{}", file, flow.name, flow.steps.size(),
                    flow.steps.size() == 1 ? "" : "s"));
  return 0;
}

int check_mask(const std::string& file) {
  const auto mask = acquisition::load_mask(file);
  print(fmt::format("{}: mask '{}' is sound: {} pattern{}, {} annotations", file, mask.name, mask.files.size(),
                    mask.files.size() == 1 ? "" : "s", mask.keys().size()));
  return 0;
}

int check_yaml(Session& session, const std::string& file) {
  return acquisition::looks_like_mask(read_file(file)) ? check_mask(file) : check_workflow(session, file);
}

nlohmann::json finding_json(const archive::Finding& f) {
  return {{"rule", f.rule},       {"place", f.place},   {"value", f.value},
          {"allowed", f.allowed}, {"remedy", f.remedy}, {"note", f.note}};
}

int report(Session& session, const std::string& target, const std::vector<archive::Finding>& findings) {
  std::size_t broken = 0;
  for (const archive::Finding& f : findings) broken += f.note ? 0 : 1;
  if (session.json) {
    nlohmann::json list = nlohmann::json::array();
    for (const archive::Finding& f : findings) list.push_back(finding_json(f));
    print_json({{"target", target}, {"sound", broken == 0}, {"findings", list}});
  } else {
    for (const archive::Finding& f : findings) print((f.note ? "note: " : "") + f.text());
    print(broken == 0 ? fmt::format("{} is sound", target)
                      : fmt::format("{} breaks {} rule{}", target, broken, broken == 1 ? "" : "s"));
  }
  return static_cast<int>(broken == 0 ? ExitCode::ok : ExitCode::user);
}

/// A folder or .h5 file; else a file is a workflow or a mask, and what is no file the name of an image in the catalog.
int check(Session& session, const Options& options) {
  const auto voxels = options.layout_only ? archive::CheckVoxels::no : archive::CheckVoxels::yes;
  const fs::path path = options.target;
  if (fs::is_directory(path)) return report(session, options.target, archive::check_artifact(path, voxels));
  if (path.extension() == ".h5") return report(session, options.target, archive::check_image(path, voxels));
  const bool yaml = path.extension() == ".yaml" || path.extension() == ".yml";
  if (fs::exists(path) || yaml) return check_yaml(session, options.target);
  const catalog::Entity entity = session.catalog().get(options.target);
  return report(session, entity.name, archive::check_artifact(session.archive().root() / entity.artifact, voxels));
}
}  // namespace

void add_check(CLI::App& app, Session& session) {
  auto* command =
      app.add_subcommand("check", "Check a workflow or a mask, or whether other programs can read an artifact");
  const auto options = std::make_shared<Options>();
  command
      ->add_option(
          "target", options->target,
          "YAML file of a workflow or a mask; or an artifact's folder, its data.h5, or the name of an image or result")
      ->required();
  command->add_flag("--layout-only", options->layout_only,
                    "Of an artifact: leave out the smaller copies, which takes reading every voxel");
  command->callback([&session, options] { session.action = [&session, options] { return check(session, *options); }; });
}

}  // namespace voxflow::cli
