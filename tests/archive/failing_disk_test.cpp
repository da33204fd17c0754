// A disk that answers EIO at any write or flush of a publication, and at any read of what was published.
//
// The calls of this program and of its libraries go through the functions below, which fail the one that is asked for.
#include <doctest/doctest.h>

#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <climits>
#include <string_view>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/record/task.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::test;
using archive::Archive;
using archive::ArtifactBuilder;
namespace fs = std::filesystem;

namespace {
/// Which calls on files of the archive are counted, and which of them fails.
struct FailingDisk {
  std::atomic<bool> writes{false}, reads{false};
  std::atomic<long> calls_left{LONG_MAX};
} g_disk;

bool in_archive(int fd) {
  char path[PATH_MAX];
  const auto n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  return n > 0 && std::string_view(path, static_cast<std::size_t>(n)).find("/voxflow-test-") != std::string_view::npos;
}

bool fails(const std::atomic<bool>& counted, int fd) {
  if (!counted || !in_archive(fd) || g_disk.calls_left-- != 0) return false;
  errno = EIO;
  return true;
}

/// The call number `call` (from 0) of the kind fails while `work` runs. True when there was such a call.
template <class Work>
bool with_failing(std::atomic<bool>& kind, long call, Work&& work) {
  g_disk.calls_left = call;
  kind = true;
  try {
    work();
  } catch (...) {
    kind = false;
    throw;
  }
  kind = false;
  return g_disk.calls_left < 0;
}
}  // namespace

extern "C" {
ssize_t write(int fd, const void* bytes, size_t n) {
  return fails(g_disk.writes, fd) ? -1 : ::syscall(SYS_write, fd, bytes, n);
}
ssize_t pwrite(int fd, const void* bytes, size_t n, off_t at) {
  return fails(g_disk.writes, fd) ? -1 : ::syscall(SYS_pwrite64, fd, bytes, n, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t n, off64_t at) {
  return pwrite(fd, bytes, n, at);
}
int fsync(int fd) {
  return fails(g_disk.writes, fd) ? -1 : static_cast<int>(::syscall(SYS_fsync, fd));
}
ssize_t read(int fd, void* bytes, size_t n) {
  return fails(g_disk.reads, fd) ? -1 : ::syscall(SYS_read, fd, bytes, n);
}
ssize_t pread(int fd, void* bytes, size_t n, off_t at) {
  return fails(g_disk.reads, fd) ? -1 : ::syscall(SYS_pread64, fd, bytes, n, at);
}
ssize_t pread64(int fd, void* bytes, size_t n, off64_t at) {
  return pread(fd, bytes, n, at);
}
}

namespace {
const auto kInfo = image_of(DType::uint16, {10, 100, 200}, 2, 1);
const Digest kKey = sha256("a task");
const std::string kArtifact = record::result_folder("demo", kKey);

void publish(const Archive& a) {
  ArtifactBuilder builder(a, kArtifact);
  const Digest content = write_image(builder.folder() / "data.h5", kInfo);
  builder.publish(manifest_of(kInfo, content, kKey));
}

bool says_io_error(const Error& e) {
  return std::string_view(e.what()).find("Input/output error") != std::string_view::npos;
}
}  // namespace

TEST_CASE("a disk that fails at any write is told as such, and leaves neither artifact nor temporary folder") {
  int failed = 0, published = 0;
  for (long call = 0;; ++call) {
    CAPTURE(call);
    const TemporaryDirectory folder(fast_folder(), "voxflow-test-");
    const Archive a = Archive::create(folder.path() / "archive");
    bool there_was_one = true;
    try {
      there_was_one = with_failing(g_disk.writes, call, [&] { publish(a); });
      if (there_was_one) ++published;  // the write of the event: the artifact was there already
    } catch (const SystemError& e) {
      ++failed;
      CHECK(says_io_error(e));
      CHECK(std::string_view(e.what()).find(folder.path().string()) != std::string_view::npos);
    }
    if (!there_was_one) break;
    const fs::path parent = (a.root() / kArtifact).parent_path();
    const bool there = fs::exists(a.root() / kArtifact);
    if (there) CHECK(archive::verify_artifact(a, kArtifact).empty());
    CHECK((!fs::exists(parent) || std::distance(fs::directory_iterator(parent), {}) == (there ? 1 : 0)));
    publish(a);  // the disk is well again: the same process goes on
    CHECK(archive::verify_artifact(a, kArtifact).empty());
    CHECK(fs::exists(a.events_new() /
                     record::event_file_name(record::published_event(*a.manifest(kArtifact), kArtifact))));
  }
  MESSAGE(fmt::format("{} publications failed, {} were complete when it happened", failed, published));
  CHECK(failed >= 20);
  CHECK(published >= 1);
}

TEST_CASE("a disk that fails at any read of an image is told as such, with the file") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  publish(a);
  const fs::path file = a.root() / kArtifact / "data.h5";
  int failed = 0;
  for (long call = 0;; ++call) {
    CAPTURE(call);
    try {
      const bool there_was_one = with_failing(g_disk.reads, call, [&] {
        const ImageReader reader(file);
        for (int t = 0; t < kInfo.timepoints; ++t) {
          const auto voxels = read_box<std::uint16_t>(reader, t, 0, kInfo.grid.box());
          CHECK(voxels == voxels_of<std::uint16_t>(kInfo, t, 0, kInfo.grid.box()));
        }
      });
      CHECK_FALSE(there_was_one);
      break;
    } catch (const SystemError& e) {
      ++failed;
      CHECK(says_io_error(e));
      CHECK(std::string_view(e.what()).find(file.string()) != std::string_view::npos);
      CHECK(std::string_view(e.what()).find("errno") == std::string_view::npos);
    }
  }
  MESSAGE(fmt::format("{} reads failed", failed));
  CHECK(failed >= 10);
}
