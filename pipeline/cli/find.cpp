// voxflow find: lists what the catalog holds.
#include <memory>

#include <fmt/format.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"

namespace voxflow::cli {

namespace {
struct Options {
  std::string query;
  std::size_t limit = 100;
  bool count = false, names = false;
};

int find(Session& session, const Options& options) {
  const auto query = catalog::query::parse(options.query);
  auto& catalog = session.catalog();
  if (options.count) {
    print(std::to_string(catalog.count(query)));
    return 0;
  }
  const auto found = catalog.find(query, {0, options.limit});
  if (session.json) {
    auto list = nlohmann::json::array();
    for (const auto& e : found) list.push_back(entity_json(e));
    print_json(list);
    return 0;
  }
  if (options.names) {
    for (const auto& e : found) print(e.name);
    return 0;
  }
  TextTable table({"name", "kind", "project", "t c z y x", "spacing z y x", "created", "id"});
  for (const auto& e : found)
    table.add({e.name, std::string(to_string(e.kind)), e.project, e.image ? shape_text(*e.image) : "",
               e.image ? spacing_text(e.image->grid) : "", e.created.substr(0, 10), e.id});
  print(table.text());
  const std::size_t total = found.size() < options.limit ? found.size() : catalog.count(query);
  print(
      fmt::format("{} found{}", total, total > found.size() ? fmt::format(", {} shown (--limit)", found.size()) : ""));
  return 0;
}
}  // namespace

void add_find(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("find", "List images and results that match a query");
  const auto options = std::make_shared<Options>();
  command->add_option("query", options->query, "Such as: project = \"malaria\" and time_post_infection >= 24 h");
  command->add_option("--limit", options->limit, "List at most so many (default 100)")->check(CLI::PositiveNumber);
  command->add_flag("--count", options->count, "Print only how many there are");
  command->add_flag("--names", options->names, "Print only names");
  command->callback([&session, options] { session.action = [&session, options] { return find(session, *options); }; });
}

}  // namespace voxflow::cli
