#include "pipeline/plugins/registry.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/hash.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::plugins {

namespace {
namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "voxflow_kernel_";

std::string yes_or_no(int flag) {
  return flag != 0 ? "yes" : "no";
}

template <class F>
F symbol(void* handle, const char* name, const fs::path& file) {
  void* found = dlsym(handle, name);
  if (found == nullptr)
    throw UserError(
        fmt::format("'{}' has no symbol '{}', so it is not a kernel plugin of voxflow; end its source with "
                    "VOXFLOW_KERNEL(YourKernel), or take the file out of the folder",
                    file.string(), name));
  return reinterpret_cast<F>(found);
}

void* open_plugin(const fs::path& file) {
  // Never closed: kernels, their type information and their states live as long as the process.
  void* handle = dlopen(fs::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    throw UserError(fmt::format("kernel plugin '{}' cannot be loaded: {}; build it again with this voxflow",
                                file.string(), dlerror()));
  return handle;
}

std::shared_ptr<const AnyKernel> create_kernel(const fs::path& file) {
  void* handle = open_plugin(file);
  const auto stamp = symbol<PluginStamp (*)()>(handle, "voxflow_plugin_stamp", file);
  if (const std::string difference = stamp_difference(stamp(), build_stamp()); !difference.empty())
    throw UserError(fmt::format("kernel plugin '{}': {}", file.string(), difference));
  const auto create = symbol<AnyKernel* (*)()>(handle, "voxflow_plugin_create", file);
  try {
    return std::shared_ptr<const AnyKernel>(create());
  } catch (const std::exception& e) {
    throw UserError(
        fmt::format("kernel plugin '{}': its describe() failed: {}; correct its source", file.string(), e.what()));
  }
}

std::string origin(const Entry& e) {
  return e.file.empty() ? "the program itself" : fmt::format("'{}'", e.file.string());
}

fs::path program_folder() {
  std::error_code none;
  return fs::read_symlink("/proc/self/exe", none).parent_path();
}
}  // namespace

std::string stamp_difference(const PluginStamp& plugin, const PluginStamp& host) {
  std::vector<std::string> parts;
  const auto compare = [&](std::string_view what, const std::string& theirs, const std::string& ours) {
    if (theirs != ours) parts.push_back(fmt::format("{} is {}, this program's is {}", what, theirs, ours));
  };
  compare("SDK ABI number", std::to_string(plugin.sdk_abi), std::to_string(host.sdk_abi));
  compare("g++ major version", std::to_string(plugin.compiler_major), std::to_string(host.compiler_major));
  compare("use of the C++11 ABI", yes_or_no(plugin.cxx11_abi), yes_or_no(host.cxx11_abi));
  compare("use of the address sanitizer", yes_or_no(plugin.sanitized), yes_or_no(host.sanitized));
  if (parts.empty()) return "";
  return fmt::format("its {}; build it again with the headers and the compiler of this voxflow", join(parts, ", its "));
}

void Registry::load_folder(const fs::path& folder) {
  std::error_code failed;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(kPrefix) && name.ends_with(".so")) files.push_back(it->path());
  }
  if (failed)
    throw UserError(
        fmt::format("kernel folder '{}' cannot be read: {}; correct VOXFLOW_KERNEL_PATH or the option that names it",
                    folder.string(), failed.message()));
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) load_file(file);
}

void Registry::load_file(const fs::path& file) {
  std::error_code failed;
  const fs::path real = fs::canonical(file, failed);
  if (failed) throw UserError(fmt::format("kernel plugin '{}' cannot be read: {}", file.string(), failed.message()));
  for (const auto& [name, entry] : entries_)
    if (entry.file == real) return;
  std::string digest = sha256_file(real).hex();
  insert({create_kernel(real), real, std::move(digest)});
}

void Registry::add(std::shared_ptr<const AnyKernel> kernel) {
  insert({std::move(kernel), {}, {}});
}

void Registry::insert(Entry entry) {
  const SchemaInfo& schema = entry.kernel->schema();
  std::vector<std::string> defects = schema.defects();
  if (schema.blockwise == Blockwise::volume && !entry.kernel->has_scratch_bytes())
    defects.push_back(
        "a kernel that is blockwise(volume) has no scratch_bytes(), so its memory cannot be told before it runs");
  if (!defects.empty())
    throw UserError(fmt::format("kernel '{}' of {} is declared incompletely: {}; correct describe() in its source",
                                schema.name, origin(entry), join(defects, "; ")));
  if (const Entry* taken = find_if_there(schema.name))
    throw UserError(
        fmt::format("kernel '{}' of {} is there already, from {}; give one of the two another name or take it out "
                    "of the folder",
                    schema.name, origin(entry), origin(*taken)));
  entries_.emplace(schema.name, std::move(entry));
}

const Entry& Registry::find(std::string_view name) const {
  if (const Entry* entry = find_if_there(name)) return *entry;
  const std::vector<std::string> known = names();
  std::string remedy = did_you_mean(name, known);
  if (remedy.empty())
    remedy = known.empty() ? "; no kernel is loaded, see VOXFLOW_KERNEL_PATH" : "; there are: " + join(known, ", ");
  throw UserError(fmt::format("there is no kernel '{}'{}", name, remedy));
}

const Entry* Registry::find_if_there(std::string_view name) const {
  const auto it = entries_.find(name);
  return it == entries_.end() ? nullptr : &it->second;
}

std::vector<const Entry*> Registry::all() const {
  std::vector<const Entry*> list;
  for (const auto& [name, entry] : entries_) list.push_back(&entry);
  return list;
}

std::vector<std::string> Registry::names() const {
  std::vector<std::string> list;
  for (const auto& [name, entry] : entries_) list.push_back(name);
  return list;
}

std::vector<fs::path> default_folders() {
  std::vector<fs::path> folders;
  const fs::path own = (program_folder() / "../lib/voxflow/kernels").lexically_normal();
  if (fs::is_directory(own)) folders.push_back(own);
  if (const char* path = std::getenv("VOXFLOW_KERNEL_PATH"))
    for (const std::string& folder : split(path, ':'))
      if (!folder.empty()) folders.emplace_back(folder);
  return folders;
}

}  // namespace voxflow::plugins
