// A disk that fills up at any point of a publication.
#include <doctest/doctest.h>

#include <optional>

#include <fmt/format.h>

#include "pipeline/archive/replica.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/record/task.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::test;
using archive::Archive;
using archive::ArtifactBuilder;
namespace fs = std::filesystem;

namespace {
const Digest kKey = sha256("a task");
const std::string kArtifact = record::result_folder("demo", kKey);

void publish(const Archive& a, const record::ImageInfo& info) {
  ArtifactBuilder builder(a, kArtifact);
  const Digest content = write_image(builder.folder() / "data.h5", info);
  builder.publish(manifest_of(info, content, kKey));
}

std::uintmax_t open_files() {
  return static_cast<std::uintmax_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
}
}  // namespace

TEST_CASE("a disk that fills up at any point is told as such, and leaves neither artifact nor temporary folder") {
  if (!mounting_allowed()) return;
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {10, 100, 200}, 2, 1);
  int full = 0, published = 0;
  const auto files_before = open_files();
  for (std::size_t pages = 1; pages <= 160; pages += pages < 40 ? 1 : 3) {
    CAPTURE(pages);
    const SmallDisk disk(folder / "disk", 4096 * pages);
    std::optional<Archive> a;
    try {
      a = Archive::create(disk.path() / "archive");
      publish(*a, info);
      ++published;
      CHECK(archive::verify_image(a->root() / kArtifact / "data.h5").empty());
    } catch (const DiskFullError& e) {
      ++full;
      CHECK(std::string(e.what()).find("No space left on device") != std::string::npos);
      if (a) {
        const fs::path parent = (a->root() / kArtifact).parent_path();
        CHECK_FALSE(fs::exists(a->root() / kArtifact));
        CHECK((!fs::exists(parent) || fs::is_empty(parent)));
        CHECK(fs::is_empty(a->events_new()));
      }
    }
    CHECK(open_files() == files_before);
  }
  MESSAGE(fmt::format("{} times full, {} times published", full, published));
  CHECK(full >= 30);
  CHECK(published >= 5);
}

TEST_CASE("after a full disk the same process goes on elsewhere") {
  if (!mounting_allowed()) return;
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {10, 100, 200}, 2, 1);
  {
    const SmallDisk disk(folder / "disk", 4096 * 30);
    const Archive a = Archive::create(disk.path() / "archive");
    CHECK_THROWS_AS(publish(a, info), DiskFullError);
  }
  const Archive a = Archive::create(folder / "archive");
  publish(a, info);
  CHECK(archive::verify_image(a.root() / kArtifact / "data.h5").empty());
}

TEST_CASE("a replica's disk that fills up is told as such, and holds whole artifacts only") {
  if (!mounting_allowed()) return;
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  publish(a, image_of(DType::uint16, {10, 100, 200}, 2, 1));
  const auto bytes = fs::file_size(a.root() / kArtifact / "data.h5");
  const SmallDisk disk(folder / "disk", bytes / 2);
  const fs::path replica = archive::open_replica(a, disk.path());
  CHECK_THROWS_AS(archive::replicate(a, kArtifact, replica), DiskFullError);
  const fs::path shelf = (replica / kArtifact).parent_path();
  CHECK(std::distance(fs::directory_iterator(shelf), {}) == 0);
}
