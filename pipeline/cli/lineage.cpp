// voxflow lineage: where an image or result came from, and what was made of it.
#include <memory>

#include "catalog/provenance/provenance.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/findings.hpp"
#include "pipeline/cli/print.hpp"

namespace voxflow::cli {

namespace {
int print_prov(Session& session, const std::string& name) {
  print(catalog::prov_json(session.catalog(), name));
  return 0;
}

int print_tree(Session& session, const std::string& name) {
  print(catalog::lineage_text(session.catalog(), name));
  if (const auto findings = findings_of(session, session.catalog().get(name))) {
    print("this one worked with");
    for (const std::string& line : findings_lines(*findings)) print("  " + line);
  }
  return 0;
}
}  // namespace

void add_lineage(CLI::App& app, Session& session) {
  struct Options {
    std::string name;
    bool prov = false;
  };
  auto* command = app.add_subcommand("lineage", "Show where an image or result came from, and what was made of it");
  const auto options = std::make_shared<Options>();
  command->add_option("name", options->name, "Name, id, or the beginning of an id")->required();
  command->add_flag("--prov", options->prov, "Print W3C PROV-JSON");
  command->callback([&session, options] {
    session.action = [&session, options] {
      return options->prov || session.json ? print_prov(session, options->name) : print_tree(session, options->name);
    };
  });
}

}  // namespace voxflow::cli
