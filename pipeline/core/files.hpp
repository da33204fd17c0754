// Files that are there whole or not at all: temporary name, fsync, rename.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace voxflow {

/// The file's bytes. Throws UserError when it is not there, SystemError when it cannot be read.
std::string read_file(const std::filesystem::path& file);

/// Writes `bytes` under a temporary name beside `file`, fsyncs, renames over `file`, fsyncs the folder. Throws
/// DiskFullError or SystemError; then `file` is as it was.
void write_file_atomically(const std::filesystem::path& file, std::string_view bytes);

/// Copies the bytes and permissions of `from` to the new file `to`, and flushes it. Throws DiskFullError or
/// SystemError, which name the file that failed; `to` may then be there in part.
void copy_to_new_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Flushes a file's or folder's data and metadata to disk. Throws SystemError or DiskFullError.
void fsync_path(const std::filesystem::path& path);

/// Creates `dir` and its parents (set-group-id kept from the parent). Throws SystemError.
void make_directories(const std::filesystem::path& dir);

/// A folder removed with its content on destruction, unless released.
class TemporaryDirectory {
 public:
  /// Makes `<parent>/<prefix>XXXXXX`. Throws SystemError.
  TemporaryDirectory(const std::filesystem::path& parent, std::string_view prefix);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }
  void release() { released_ = true; }

 private:
  std::filesystem::path path_;
  bool released_ = false;
};

enum class RenameOutcome { renamed, target_exists };

/// Renames folder `from` to `to` unless `to` exists and is not empty, then fsyncs the parent. Atomic among racing
/// callers: exactly one is told `renamed`. Throws SystemError.
RenameOutcome rename_directory(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace voxflow
