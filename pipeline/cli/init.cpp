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
    bool fletcher32 = false;
  };
  auto* command = app.add_subcommand("init", "Make an empty archive");
  const auto options = std::make_shared<Options>();
  command->add_option("folder", options->folder, "Folder to make it in")->required();
  command->add_option("--catalog", options->catalog,
                      "Catalog database, on a local disk (default: catalog.sqlite inside the archive)");
  command->add_flag("--fletcher32", options->fletcher32,
                    "Give every chunk a checksum that any HDF5 library checks when it reads");
  command->callback([&session, options] {
    session.action = [options] {
      const auto archive = archive::Archive::create(
          fs::absolute(options->folder).lexically_normal(),
          options->fletcher32 ? archive::ChunkChecksum::fletcher32 : archive::ChunkChecksum::none);
      if (!options->catalog.empty()) set_catalog_database(archive, fs::absolute(options->catalog));
      catalog::open_catalog(archive.root(), catalog_database(archive));
      print(fmt::format("archive {}\ncatalog {}", archive.root().string(), catalog_database(archive).string()));
      return 0;
    };
  });
}

}  // namespace voxflow::cli
