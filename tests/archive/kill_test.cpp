// SIGKILL at every system call of a publisher: the artifact is there whole, or not at all.
#include <doctest/doctest.h>

#include <csignal>

#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/record/task.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::test;
using archive::Archive;
using archive::ArtifactBuilder;
namespace fs = std::filesystem;

namespace {
const auto kInfo = image_of(DType::uint16, {2, 30, 40});
const Digest kKey = sha256("a task");
const std::string kArtifact = record::result_folder("demo", kKey);

void publish(const Archive& a) {
  ArtifactBuilder builder(a, kArtifact);
  const Digest content = write_image(builder.folder() / "data.h5", kInfo);
  for (const char* name : {"objects.tsv", "shift.json", "notes.json"}) builder.write_file(name, "some text");
  builder.publish(manifest_of(kInfo, content, kKey));
}

/// Forks a publisher and kills it at its stop number `last` (two a system call). False when it ended before.
bool publish_until(const Archive& a, long last) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    publish(a);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSTOPPED(status));
  for (long stop = 0; stop < last; ++stop) {
    if (::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) != 0) break;
    ::waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) return false;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return true;
}

bool tracing_allowed() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void check_whole(const Archive& a) {
  const auto manifest = a.manifest(kArtifact);
  REQUIRE(manifest.has_value());
  CHECK(manifest->files.size() == 5);
  for (const auto& f : manifest->files) CHECK(sha256_file(a.root() / kArtifact / f.name) == f.sha256);
  CHECK(archive::verify_image(a.root() / kArtifact / "data.h5").empty());
}

struct Tally {
  int killed = 0, whole = 0, with_leftovers = 0;
};

/// Memory where there is some: the order of system calls matters here, not what a power cut would leave.
fs::path fast_folder() {
  return fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
}

/// Kills a publisher at `stop` in an archive of its own and looks at what is there.
bool kill_at(long stop, Tally& tally) {
  const TemporaryDirectory folder(fast_folder(), "voxflow-test-");
  const Archive a = Archive::create(folder.path() / "archive");
  const bool killed = publish_until(a, stop);
  CAPTURE(stop);
  tally.killed += killed;
  if (fs::exists(a.root() / kArtifact)) {
    check_whole(a);
    ++tally.whole;
  }
  tally.with_leftovers += archive::remove_leftovers(a) > 0;
  publish(a);  // whatever was left, the next attempt succeeds and ends with one artifact and its event
  check_whole(a);
  CHECK(std::distance(fs::directory_iterator((a.root() / kArtifact).parent_path()), {}) == 1);
  CHECK(
      fs::exists(a.events_new() / record::event_file_name(record::published_event(*a.manifest(kArtifact), kArtifact))));
  return killed;
}
}  // namespace

TEST_CASE("a publisher killed at any system call leaves the whole artifact or none") {
  if (!tracing_allowed()) {
    MESSAGE("skipped: this machine does not let a process trace its child");
    return;
  }
  Tally tally;
  for (long stop = 0; kill_at(stop, tally); ++stop) {
  }
  MESSAGE(fmt::format("killed {} times: {} whole artifacts, {} times a temporary folder was left and removed",
                      tally.killed, tally.whole, tally.with_leftovers));
  CHECK(tally.killed >= 200);
  CHECK(tally.whole >= 2);
  CHECK(tally.with_leftovers >= 100);
}
