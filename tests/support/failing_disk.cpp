// Preloaded into a program: calls that read or write files whose path holds VOXFLOW_TEST_EIO_READ or
// VOXFLOW_TEST_EIO_WRITE fail with EIO, those before number VOXFLOW_TEST_EIO_AFTER excepted.
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {
bool fails(const char* variable, int fd) {
  static std::atomic<long> calls{0};
  const char* part = std::getenv(variable);
  if (part == nullptr) return false;
  char link[32], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const auto n = ::readlink(link, path, sizeof path - 1);
  if (n < 0) return false;
  path[n] = '\0';
  if (std::strstr(path, part) == nullptr) return false;
  const char* after = std::getenv("VOXFLOW_TEST_EIO_AFTER");
  if (after != nullptr && calls++ < std::atol(after)) return false;
  errno = EIO;
  return true;
}
constexpr const char *kRead = "VOXFLOW_TEST_EIO_READ", *kWrite = "VOXFLOW_TEST_EIO_WRITE";
}  // namespace

extern "C" {
ssize_t read(int fd, void* bytes, size_t n) {
  return fails(kRead, fd) ? -1 : ::syscall(SYS_read, fd, bytes, n);
}
ssize_t pread(int fd, void* bytes, size_t n, off_t at) {
  return fails(kRead, fd) ? -1 : ::syscall(SYS_pread64, fd, bytes, n, at);
}
ssize_t pread64(int fd, void* bytes, size_t n, off64_t at) {
  return pread(fd, bytes, n, at);
}
ssize_t write(int fd, const void* bytes, size_t n) {
  return fails(kWrite, fd) ? -1 : ::syscall(SYS_write, fd, bytes, n);
}
ssize_t pwrite(int fd, const void* bytes, size_t n, off_t at) {
  return fails(kWrite, fd) ? -1 : ::syscall(SYS_pwrite64, fd, bytes, n, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t n, off64_t at) {
  return pwrite(fd, bytes, n, at);
}
}
