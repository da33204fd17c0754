// What the subcommands share: the archive in use, its catalog, the kernels, and who is asking.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "catalog/store/client.hpp"
#include "pipeline/archive/artifact.hpp"
#include "pipeline/plugins/registry.hpp"

namespace voxflow::cli {

/// Opened on first use, so that a command pays only for what it touches.
class Session {
 public:
  std::string archive_option;  // --archive
  bool json = false;           // --json
  /// The chosen subcommand; set by its parser, run by main. Returns the exit code.
  std::function<int()> action;

  /// Found by --archive, VOXFLOW_ARCHIVE, or upward from the working folder. Throws UserError.
  const archive::Archive& archive();
  /// With every new event taken in.
  catalog::CatalogClient& catalog();
  const plugins::Registry& kernels();

 private:
  std::optional<archive::Archive> archive_;
  std::unique_ptr<catalog::CatalogClient> catalog_;
  std::optional<plugins::Registry> kernels_;
};

/// The user's name.
std::string current_agent();
std::string host_name();
/// Folder of the running program, where voxflow-batch and voxflow-worker stand beside it.
std::filesystem::path program_folder();

/// Where `init --catalog` said that the database lies; <root>/catalog.sqlite otherwise.
std::filesystem::path catalog_database(const archive::Archive& archive);
void set_catalog_database(const archive::Archive& archive, const std::filesystem::path& database);

}  // namespace voxflow::cli
