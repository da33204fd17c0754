// voxflow annotate: typed annotations of one image by hand, or of many by a table.
#include <memory>

#include <fmt/format.h>

#include "catalog/store/annotation_table.hpp"
#include "pipeline/cli/annotations.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/files.hpp"

namespace voxflow::cli {

namespace {
struct Options {
  std::string name, table;
  std::vector<std::string> assignments, removed;
  bool dry_run = false;
};

std::vector<record::AnnotationChange> wanted_changes(Session& session, const Options& options) {
  auto& catalog = session.catalog();
  if (!options.table.empty()) {
    if (!options.name.empty()) throw UserError("annotate takes an image or --table, not both");
    return catalog::read_annotation_table({options.table, read_file(options.table)}, catalog, current_agent());
  }
  if (options.name.empty())
    throw UserError("nothing was named to annotate; give an image with key=value, or --table FILE");
  if (options.assignments.empty() && options.removed.empty())
    throw UserError(fmt::format("no annotation was given for '{}'; write key=value or --remove key", options.name));
  return {{catalog.get(options.name).id, parse_annotations(options.assignments), options.removed, current_agent()}};
}

int annotate(Session& session, const Options& options) {
  auto& catalog = session.catalog();
  const auto changes = wanted_changes(session, options);
  if (!options.dry_run) {
    const std::size_t values = catalog.annotate_all(changes);
    print(fmt::format("{} value{} changed on {} image{}", values, values == 1 ? "" : "s", changes.size(),
                      changes.size() == 1 ? "" : "s"));
    return 0;
  }
  TextTable table({"image", "key", "value"});
  for (const auto& change : changes) {
    const std::string name = catalog.get(change.entity).name;
    for (const auto& a : change.set) table.add({name, a.key.name, value_text(a)});
    for (const auto& key : change.removed) table.add({name, key, "(removed)"});
  }
  print(table.text());
  print("nothing was changed");
  return 0;
}
}  // namespace

void add_annotate(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("annotate", "Annotate images: species, time after infection, marker, ...");
  const auto options = std::make_shared<Options>();
  command->add_option("name", options->name, "Image: its name, id, or the beginning of the id");
  command->add_option("annotations", options->assignments,
                      "key=value, such as species=G12 or 'time_post_infection=18 h'");
  command->add_option("--remove", options->removed, "Key to remove")->take_all();
  command->add_option("--table", options->table,
                      "CSV or TSV file: first column the image, one column a key, unit in brackets");
  command->add_flag("--dry-run", options->dry_run, "Show what would be set, and change nothing");
  command->callback(
      [&session, options] { session.action = [&session, options] { return annotate(session, *options); }; });
}

}  // namespace voxflow::cli
