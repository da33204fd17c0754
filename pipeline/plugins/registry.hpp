// Finds, stamp-checks and loads kernels.
#pragma once
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pipeline/sdk/kernel.hpp"

namespace voxflow::plugins {

/// A kernel and where it came from.
struct Entry {
  std::shared_ptr<const AnyKernel> kernel;
  std::filesystem::path file;  // empty: registered in the program (tests)
  std::string digest;          // SHA-256 of the file, hex
};

/// The kernels of one process, by name.
class Registry {
 public:
  /// Loads every voxflow_kernel_*.so of the folders (in order; a later folder may not redefine a name). A plugin with
  /// another stamp, an incomplete declaration or a taken name is refused: UserError that names file, value and remedy.
  void load_folder(const std::filesystem::path& folder);
  void load_file(const std::filesystem::path& file);
  void add(std::shared_ptr<const AnyKernel> kernel);

  /// Throws UserError with the nearest name when there is none.
  const Entry& find(std::string_view name) const;
  const Entry* find_if_there(std::string_view name) const;
  /// By name.
  std::vector<const Entry*> all() const;
  std::vector<std::string> names() const;

 private:
  std::vector<Entry> entries_;
};

/// What differs between a plugin's stamp and this program's, and what to do; "" when they agree.
std::string stamp_difference(const PluginStamp& plugin, const PluginStamp& host);

/// <program>/../lib/voxflow/kernels, then the folders of VOXFLOW_KERNEL_PATH.
std::vector<std::filesystem::path> default_folders();

}  // namespace voxflow::plugins
