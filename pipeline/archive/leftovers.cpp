#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <sys/stat.h>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/core/clock.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/unfinished.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

namespace {
/// What other hosts' processes made counts as left over when untouched for so long.
constexpr auto kForeignAge = std::chrono::hours(48);

std::chrono::system_clock::time_point last_touched(const fs::path& path) {
  std::time_t latest = 0;
  const auto look = [&](const fs::path& at) {
    struct stat status {};
    if (::stat(at.c_str(), &status) == 0) latest = std::max(latest, status.st_mtime);
  };
  look(path);
  std::error_code none;  // it is a file, or gone
  for (const auto& entry : fs::directory_iterator(path, none)) look(entry.path());
  return std::chrono::system_clock::from_time_t(latest);
}

bool left_over(const fs::path& path) {
  if (const auto pid = unfinished_by(path.filename().string())) return ::kill(*pid, 0) != 0 && errno == ESRCH;
  return system_clock().now() - last_touched(path) > kForeignAge;
}

/// What is unfinished lies beside artifacts, records and events, or above: <project>/{results,acquisitions}/ab at the
/// deepest.
void collect(const fs::path& folder, int depth, std::vector<fs::path>& found) {
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(folder, gone)) {
    if (is_unfinished(entry.path().filename().string())) {
      if (left_over(entry.path())) found.push_back(entry.path());
    } else if (depth > 0 && entry.is_directory(gone) && !entry.is_symlink(gone)) {
      collect(entry.path(), depth - 1, found);
    }
  }
}
}  // namespace

std::vector<fs::path> find_leftovers(const Archive& archive) {
  std::vector<fs::path> found;
  collect(archive.root(), 3, found);
  std::sort(found.begin(), found.end());
  return found;
}

std::size_t remove_leftovers(const Archive& archive) {
  std::size_t removed = 0;
  for (const fs::path& path : find_leftovers(archive)) {
    std::error_code error;
    fs::remove_all(path, error);
    if (error) throw_errno(fmt::format("cannot remove '{}'", path.string()), error.value());
    ++removed;
  }
  return removed;
}

}  // namespace voxflow::archive
