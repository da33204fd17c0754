// voxflow lineage: where an image or result came from, and what was made of it.
#include <memory>

#include "catalog/provenance/provenance.hpp"
#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"

namespace voxflow::cli {

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
      if (options->prov || session.json)
        print(catalog::prov_json(session.catalog(), options->name));
      else
        print(catalog::lineage_text(session.catalog(), options->name));
      return 0;
    };
  });
}

}  // namespace voxflow::cli
