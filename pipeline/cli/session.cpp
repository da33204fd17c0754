#include "pipeline/cli/session.hpp"

#include <array>
#include <cstdlib>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/text.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

namespace {
constexpr const char* kArchiveMark = "archive.json";
constexpr const char* kCatalogLocation = "catalog-location";

fs::path find_archive(const std::string& option) {
  if (!option.empty()) return option;
  if (const char* env = std::getenv("VOXFLOW_ARCHIVE"); env != nullptr && *env != '\0') return env;
  for (fs::path dir = fs::current_path();; dir = dir.parent_path()) {
    if (fs::exists(dir / kArchiveMark)) return dir;
    if (dir == dir.parent_path()) break;
  }
  throw UserError(
      "no archive was named: give --archive DIR, set VOXFLOW_ARCHIVE, or work inside one; 'voxflow init DIR' makes a "
      "new one");
}
}  // namespace

const archive::Archive& Session::archive() {
  if (!archive_) archive_.emplace(fs::absolute(find_archive(archive_option)).lexically_normal());
  return *archive_;
}

catalog::CatalogClient& Session::catalog() {
  if (!catalog_) {
    catalog_ = catalog::open_catalog(archive().root(), catalog_database(archive()));
    catalog_->ingest();
  }
  return *catalog_;
}

const plugins::Registry& Session::kernels() {
  if (!kernels_) {
    kernels_.emplace();
    for (const fs::path& folder : plugins::default_folders()) kernels_->load_folder(folder);
  }
  return *kernels_;
}

std::string current_agent() {
  if (const passwd* user = ::getpwuid(::geteuid()); user != nullptr) return user->pw_name;
  return std::to_string(::geteuid());
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

fs::path program_folder() {
  return fs::read_symlink("/proc/self/exe").parent_path();
}

fs::path catalog_database(const archive::Archive& archive) {
  const fs::path location = archive.root() / kCatalogLocation;
  if (fs::exists(location)) return fs::path(trim(read_file(location)));
  return archive.root() / "catalog.sqlite";
}

void set_catalog_database(const archive::Archive& archive, const fs::path& database) {
  write_file_atomically(archive.root() / kCatalogLocation, database.string() + "\n");
}

}  // namespace voxflow::cli
