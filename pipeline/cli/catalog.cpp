// voxflow catalog: takes new events in, or makes the catalog again.
#include <memory>

#include <fmt/format.h>

#include "catalog/provenance/provenance.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::cli {

void add_catalog(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("catalog", "Look after the catalog database");
  command->require_subcommand(1);
  const auto open = [&session] {
    return catalog::open_catalog(session.archive().root(), catalog_database(session.archive()));
  };

  auto* ingest = command->add_subcommand("ingest", "Take new events in");
  const auto scan = std::make_shared<bool>(false);
  ingest->add_flag("--scan", *scan, "Look through the archive for results whose events were lost");
  ingest->callback([&session, open, scan] {
    session.action = [open, scan] {
      const auto client = open();
      const auto counts = *scan ? client->ingest_and_scan() : client->ingest();
      print(fmt::format("{} new events, {} known before", counts.added, counts.known));
      return 0;
    };
  });
  command->add_subcommand("check", "Check that every result can say where it came from")->callback([&session] {
    session.action = [&session] {
      const auto defects = catalog::provenance_defects(session.catalog());
      for (const std::string& defect : defects) print(defect);
      print(fmt::format("{} gap{} in the provenance", defects.size(), defects.size() == 1 ? "" : "s"));
      return static_cast<int>(defects.empty() ? ExitCode::ok : ExitCode::system);
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
