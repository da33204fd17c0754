// Finds, stamp-checks and loads kernels.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/sdk/kernel.hpp"

namespace voxflow::plugins {

/// A kernel and where it came from.
struct Entry {
  std::shared_ptr<const AnyKernel> kernel;
  std::filesystem::path file;  // empty: registered in the program (tests)
  std::string digest;          // SHA-256 of the file, hex
};

/// The kernels of one process, by name. References to entries stay valid for as long as the registry lives.
class Registry {
 public:
  /// Loads every voxflow_kernel_*.so of a folder. A plugin with another stamp, an incomplete declaration or a taken
  /// name is refused: UserError that names file, value and remedy. Loaded code stays in the process until it ends.
  void load_folder(const std::filesystem::path& folder);
  /// Loads one plugin, under any file name; a file that is loaded already is left alone.
  void load_file(const std::filesystem::path& file);
  /// Registers a kernel of this program. Throws UserError as load_folder does.
  void add(std::shared_ptr<const AnyKernel> kernel);

  /// Throws UserError with the nearest name when there is none.
  const Entry& find(std::string_view name) const;
  const Entry* find_if_there(std::string_view name) const;
  /// By name.
  std::vector<const Entry*> all() const;
  std::vector<std::string> names() const;

 private:
  void insert(Entry entry);
  std::map<std::string, Entry, std::less<>> entries_;
};

/// What differs between a plugin's stamp and this program's, and what to do; "" when they agree.
std::string stamp_difference(const PluginStamp& plugin, const PluginStamp& host);

/// <folder of the program>/../lib/voxflow/kernels where that exists, then the folders of VOXFLOW_KERNEL_PATH (separated
/// by colons).
std::vector<std::filesystem::path> default_folders();

}  // namespace voxflow::plugins
