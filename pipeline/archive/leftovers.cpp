#include "pipeline/archive/leftovers.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/core/clock.hpp"
#include "pipeline/core/error.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

namespace {
constexpr std::string_view kMark = ".tmp-";
/// Folders of other hosts' processes count as left over when untouched for so long.
constexpr auto kForeignAge = std::chrono::hours(48);

std::string host_name() {
  std::string name(256, '\0');
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  name.resize(name.find('\0'));
  return name;
}

/// The process that made the folder, if on this host.
std::optional<pid_t> process_here(std::string_view folder) {
  folder.remove_prefix(kMark.size());
  const auto random_at = folder.rfind('-');
  if (random_at == std::string_view::npos) return std::nullopt;
  folder = folder.substr(0, random_at);
  const auto pid_at = folder.rfind('-');
  if (pid_at == std::string_view::npos || folder.substr(0, pid_at) != host_name()) return std::nullopt;
  pid_t pid = 0;
  const auto* const end = folder.data() + folder.size();
  const auto read = std::from_chars(folder.data() + pid_at + 1, end, pid);
  return read.ptr == end && pid > 0 ? std::optional(pid) : std::nullopt;
}

std::chrono::system_clock::time_point last_touched(const fs::path& folder) {
  std::time_t latest = 0;
  const auto look = [&](const fs::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) latest = std::max(latest, status.st_mtime);
  };
  look(folder);
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(folder, gone)) look(entry.path());
  return std::chrono::system_clock::from_time_t(latest);
}

bool left_over(const fs::path& folder) {
  if (const auto pid = process_here(folder.filename().string())) return ::kill(*pid, 0) != 0 && errno == ESRCH;
  return system_clock().now() - last_touched(folder) > kForeignAge;
}

bool temporary(const fs::path& folder) {
  return folder.filename().string().starts_with(kMark);
}

/// Folders inside `folder`; none when it went meanwhile.
std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(folder, gone))
    if (entry.is_directory(gone) && !entry.is_symlink(gone)) found.push_back(entry.path());
  return found;
}

/// Temporary folders lie beside artifacts or above: <project>/{results,acquisitions}/ab at the deepest.
void collect(const fs::path& folder, int depth, std::vector<fs::path>& found) {
  for (const fs::path& inside : folders_in(folder)) {
    if (temporary(inside)) {
      if (left_over(inside)) found.push_back(inside);
    } else if (depth > 0) {
      collect(inside, depth - 1, found);
    }
  }
}
}  // namespace

std::string leftover_prefix() {
  return fmt::format("{}{}-{}-", kMark, host_name(), ::getpid());
}

std::vector<fs::path> find_leftovers(const Archive& archive) {
  std::vector<fs::path> found;
  collect(archive.root(), 3, found);
  std::sort(found.begin(), found.end());
  return found;
}

std::size_t remove_leftovers(const Archive& archive) {
  std::size_t removed = 0;
  for (const fs::path& folder : find_leftovers(archive)) {
    std::error_code error;
    fs::remove_all(folder, error);
    if (error) throw_errno(fmt::format("cannot remove '{}'", folder.string()), error.value());
    ++removed;
  }
  return removed;
}

}  // namespace voxflow::archive
