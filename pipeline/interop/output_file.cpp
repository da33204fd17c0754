#include "pipeline/interop/output_file.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

OutputFile::OutputFile(fs::path file, Existing existing) : file_(std::move(file)), existing_(existing) {
  refuse_existing();
  temporary_ = file_.parent_path() / fmt::format(".{}.tmp-{}", file_.filename().string(), ::getpid());
  descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(errno);
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::refuse_existing() const {
  if (existing_ == Existing::refuse && fs::exists(fs::symlink_status(file_)))
    throw UserError(fmt::format("'{}' is there already; remove it, or write elsewhere", file_.string()));
}

void OutputFile::fail(int error) const {
  throw_errno(fmt::format("cannot write '{}'", file_.string()), error);
}

void OutputFile::write_at(std::uint64_t offset, const void* bytes, std::size_t size) {
  const auto* from = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t n = ::pwrite(descriptor_, from, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(errno);
    from += n;
    size -= static_cast<std::size_t>(n);
    offset += static_cast<std::uint64_t>(n);
  }
}

void OutputFile::read_at(std::uint64_t offset, void* bytes, std::size_t size) const {
  auto* to = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t n = ::pread(descriptor_, to, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw_errno(fmt::format("cannot read back '{}'", file_.string()), n < 0 ? errno : EIO);
    to += n;
    size -= static_cast<std::size_t>(n);
    offset += static_cast<std::uint64_t>(n);
  }
}

void OutputFile::resize(std::uint64_t size) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail(errno);
}

void OutputFile::commit() {
  if (::fsync(descriptor_) != 0) fail(errno);
  if (::close(std::exchange(descriptor_, -1)) != 0) fail(errno);
  refuse_existing();
  if (::rename(temporary_.c_str(), file_.c_str()) != 0) fail(errno);
  temporary_.clear();
  fsync_path(file_.parent_path().empty() ? fs::path(".") : file_.parent_path());
}

}  // namespace voxflow::interop
