// voxflow catalog: takes new events in, or makes the catalog again.
#include <memory>

#include <fmt/format.h>

#include "catalog/provenance/provenance.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::cli {

namespace {
int check(Session& session) {
  const auto defects = catalog::provenance_defects(session.catalog());
  if (session.json) {
    print_json({{"gaps", defects}});
  } else {
    for (const std::string& defect : defects) print(defect);
    print(fmt::format("{} gap{} in the provenance", defects.size(), defects.size() == 1 ? "" : "s"));
  }
  return static_cast<int>(defects.empty() ? ExitCode::ok : ExitCode::system);
}

int list_keys(Session& session) {
  nlohmann::json list = nlohmann::json::array();
  TextTable table({"key", "type", "unit"});
  for (const auto& key : session.catalog().keys()) {
    table.add({key.name, std::string(to_string(key.type)), key.unit});
    list.push_back({{"key", key.name}, {"type", to_string(key.type)}, {"unit", key.unit}});
  }
  if (session.json)
    print_json(list);
  else
    print(table.text());
  return 0;
}

void print_counts(const Session& session, const catalog::IngestCounts& counts) {
  if (session.json)
    print_json({{"added", counts.added}, {"known", counts.known}});
  else
    print(fmt::format("{} new events, {} known before", counts.added, counts.known));
}
}  // namespace

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
    session.action = [&session, open, scan] {
      const auto client = open();
      print_counts(session, *scan ? client->ingest_and_scan() : client->ingest());
      return 0;
    };
  });
  command->add_subcommand("check", "Check that every result can say where it came from")->callback([&session] {
    session.action = [&session] { return check(session); };
  });
  command->add_subcommand("rebuild", "Make the catalog again from the archive and its event log")
      ->callback([&session, open] {
        session.action = [&session, open] {
          const auto counts = open()->rebuild();
          if (session.json)
            print_counts(session, counts);
          else
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
    session.action = [&session] { return list_keys(session); };
  });
}

}  // namespace voxflow::cli
