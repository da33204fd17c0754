// voxflow catalog: takes new events in, or makes the catalog again.
#include <memory>

#include <fmt/format.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"

namespace voxflow::cli {

void add_catalog(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("catalog", "Look after the catalog database");
  command->require_subcommand(1);
  const auto open = [&session] {
    return catalog::open_catalog(session.archive().root(), catalog_database(session.archive()));
  };

  command->add_subcommand("ingest", "Take new events in")->callback([&session, open] {
    session.action = [open] {
      const auto counts = open()->ingest();
      print(fmt::format("{} new events, {} known before", counts.added, counts.known));
      return 0;
    };
  });
  command->add_subcommand("rebuild", "Make the catalog again from the archive and its event log")
      ->callback([&session, open] {
        session.action = [open] {
          const auto counts = open()->rebuild();
          print(fmt::format("catalog rebuilt from {} events", counts.added));
          return 0;
        };
      });
  command->add_subcommand("dump", "Print every row in a canonical form, to compare two catalogs")->callback([&session] {
    session.action = [&session] {
      print(session.catalog().dump());
      return 0;
    };
  });
  command->add_subcommand("keys", "List the annotation keys with their types and units")->callback([&session] {
    session.action = [&session] {
      TextTable table({"key", "type", "unit"});
      for (const auto& key : session.catalog().keys())
        table.add({key.name, std::string(to_string(key.type)), key.unit});
      print(table.text());
      return 0;
    };
  });
}

}  // namespace voxflow::cli
