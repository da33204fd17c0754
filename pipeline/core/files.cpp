#include "pipeline/core/files.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/unfinished.hpp"

namespace fs = std::filesystem;

namespace voxflow {

namespace {
/// An open file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const fs::path& path, int flags) : Descriptor(::open(path.c_str(), flags | O_CLOEXEC)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  /// Closes now; false (errno set) when the system reports a late write error.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

[[noreturn]] void fail(std::string_view verb, const fs::path& path) {
  throw_errno(fmt::format("cannot {} '{}'", verb, path.string()), errno);
}

void write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

fs::path parent_of(const fs::path& p) {
  const fs::path parent = p.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}
}  // namespace

std::string read_file(const fs::path& file) {
  Descriptor in(file, O_RDONLY);
  if (in.get() < 0) {
    if (errno == ENOENT) throw UserError(fmt::format("there is no file '{}'", file.string()));
    fail("open", file);
  }
  std::string bytes;
  constexpr std::size_t kStep = 1 << 16;
  for (;;) {
    const std::size_t at = bytes.size();
    bytes.resize(at + kStep);
    const ssize_t n = ::read(in.get(), bytes.data() + at, kStep);
    if (n < 0 && errno == EINTR) {
      bytes.resize(at);
      continue;
    }
    if (n < 0 && errno == EISDIR) throw UserError(fmt::format("'{}' is a folder; name a file", file.string()));
    if (n < 0) fail("read", file);
    bytes.resize(at + static_cast<std::size_t>(n));
    if (n == 0) return bytes;
  }
}

void write_file_atomically(const fs::path& file, std::string_view bytes) {
  std::string name = (parent_of(file) / ("." + file.filename().string() + unfinished_mark() + "XXXXXX")).string();
  Descriptor out(::mkostemp(name.data(), O_CLOEXEC));
  if (out.get() < 0) fail("create a file beside", file);
  try {
    write_all(out.get(), bytes, file);
    if (::fchmod(out.get(), 0644) != 0 || ::fsync(out.get()) != 0 || !out.close()) fail("write", file);
    if (::rename(name.c_str(), file.c_str()) != 0) fail("rename a temporary file to", file);
  } catch (...) {
    ::unlink(name.c_str());
    throw;
  }
  fsync_path(parent_of(file));
}

void copy_to_new_file(const fs::path& from, const fs::path& to) {
  Descriptor in(from, O_RDONLY);
  if (in.get() < 0) fail("open", from);
  struct stat status {};
  if (::fstat(in.get(), &status) != 0) fail("read", from);
  Descriptor out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status.st_mode & 0777));
  if (out.get() < 0) fail("create", to);
  std::string bytes(std::size_t{1} << 20, '\0');
  for (;;) {
    const ssize_t n = ::read(in.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read", from);
    if (n == 0) break;
    write_all(out.get(), std::string_view(bytes).substr(0, static_cast<std::size_t>(n)), to);
  }
  if (::fsync(out.get()) != 0 || !out.close()) fail("write", to);
}

void fsync_path(const fs::path& path) {
  Descriptor d(path, O_RDONLY);
  if (d.get() < 0) fail("open", path);
  if (::fsync(d.get()) != 0) fail("flush", path);
}

void make_directories(const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) throw_errno(fmt::format("cannot create folder '{}'", dir.string()), error.value());
}

TemporaryDirectory::TemporaryDirectory(const fs::path& parent, std::string_view prefix) {
  std::string name = (parent / (std::string(prefix) + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) fail("create a temporary folder in", parent);
  ::chmod(name.c_str(), 02755);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  if (released_) return;
  std::error_code ignored;  // a folder that cannot be removed is found by `clean`
  fs::remove_all(path_, ignored);
}

RenameOutcome rename_directory(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    if (errno == ENOTEMPTY || errno == EEXIST) return RenameOutcome::target_exists;
    fail(fmt::format("rename '{}' to", from.string()), to);
  }
  fsync_path(parent_of(to));
  return RenameOutcome::renamed;
}

}  // namespace voxflow
