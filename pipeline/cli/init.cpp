// voxflow init: makes an empty archive and its catalog.
#include <memory>

#include <fmt/format.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

void add_init(CLI::App& app, Session& session) {
  struct Options {
    std::string folder, catalog;
  };
  auto* command = app.add_subcommand("init", "Make an empty archive");
  const auto options = std::make_shared<Options>();
  command->add_option("folder", options->folder, "Folder to make it in")->required();
  command->add_option("--catalog", options->catalog,
                      "Catalog database, on a local disk (default: catalog.sqlite inside the archive)");
  command->callback([&session, options] {
    session.action = [options] {
      const auto archive = archive::Archive::create(fs::absolute(options->folder).lexically_normal());
      if (!options->catalog.empty()) set_catalog_database(archive, fs::absolute(options->catalog));
      catalog::open_catalog(archive.root(), catalog_database(archive));
      print(fmt::format("archive {}\ncatalog {}", archive.root().string(), catalog_database(archive).string()));
      return 0;
    };
  });
}

}  // namespace voxflow::cli
