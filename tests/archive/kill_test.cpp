// SIGKILL at every system call of a publisher: the artifact is there whole, or not at all.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "pipeline/record/task.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/killed_at.hpp"
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

/// Kills a publisher at `stop` in an archive of its own and looks at what is there.
bool kill_at(long stop, Tally& tally) {
  const TemporaryDirectory folder(fast_folder(), "voxflow-test-");
  const Archive a = Archive::create(folder.path() / "archive");
  const bool killed = killed_at(stop, [&] { publish(a); });
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
  if (!tracing_allowed()) return;
  Tally tally;
  for (long stop = 0; kill_at(stop, tally); ++stop) {
  }
  MESSAGE(fmt::format("killed {} times: {} whole artifacts, {} times a temporary folder was left and removed",
                      tally.killed, tally.whole, tally.with_leftovers));
  CHECK(tally.killed >= 200);
  CHECK(tally.whole >= 2);
  CHECK(tally.with_leftovers >= 100);
}
