// A disk that fails, or fills up, while many files are imported.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "pipeline/archive/artifact.hpp"
#include "tests/cli/facility.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/small_disk.hpp"

using namespace voxflow::test;
namespace fs = std::filesystem;

namespace {
const std::string kMask = (project_folder() / "examples/masks/phantom_confocal.yaml").string();

/// Files of four images of two channels, each 1.6 MB.
struct Phantom : TestFolder {
  Phantom() { REQUIRE(run_program("voxflow", {"phantom", "make", "f", "--images", "2"}, path()).exit_code == 0); }
  std::vector<std::string> import() const {
    return {"import", (path() / "f/images").string(), "--mask", kMask, "--project", "demo", "--at-a-time", "1"};
  }
};

std::size_t whole_artifacts(const fs::path& root) {
  const voxflow::archive::Archive archive(root);
  const auto artifacts = voxflow::archive::published_artifacts(archive);
  for (const std::string& artifact : artifacts) CHECK(voxflow::archive::verify_artifact(archive, artifact).empty());
  return artifacts.size();
}

std::map<std::string, std::string> failing(const std::string& reads_or_writes, const std::string& path, int after) {
  return {{"LD_PRELOAD", VOXFLOW_TEST_FAILING_DISK},
          {"VOXFLOW_TEST_EIO_" + reads_or_writes, path},
          {"VOXFLOW_TEST_EIO_AFTER", std::to_string(after)}};
}
}  // namespace

TEST_CASE_FIXTURE(
    Phantom,
    "a file that the disk does not give is no damaged file: it fails, the others are imported, and can be retried") {
  for (const int after : {0, 1, 2, 3, 5, 8}) {
    CAPTURE(after);
    const Facility facility(fast_folder());
    const Outcome outcome = facility.voxflow(import(), failing("READ", "nuclei_1_C0", after));
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == 3);
    has(outcome.err, "cannot read '" + (path() / "f/images/nuclei_1_C0.tif").string() + "': Input/output error");
    has(outcome.out, "3 of 4 imported, 1 failed");
    CHECK(outcome.err.find("HDF5-DIAG") == std::string::npos);
    CHECK(whole_artifacts(facility.archive()) == 3);
    has(facility.must({"quarantine", "list"}), "0 images in quarantine");
    has(facility.must(import()), "4 of 4 imported, 3 of them before");
    CHECK(facility.leftovers().empty());
  }
}

TEST_CASE_FIXTURE(Phantom, "an archive whose disk fails under one image says so, and takes the others") {
  for (const int after : {0, 3, 7}) {
    CAPTURE(after);
    const Facility facility(fast_folder());
    const Outcome outcome = facility.voxflow(import(), failing("WRITE", "acquisitions/", after));
    CHECK(outcome.exit_code == 3);
    has(outcome.err, "Input/output error");
    has(outcome.err, facility.archive().string());
    CHECK(facility.leftovers().empty());
    whole_artifacts(facility.archive());
    has(facility.must(import()), "4 of 4 imported");
    CHECK(whole_artifacts(facility.archive()) == 4);
  }
}

TEST_CASE_FIXTURE(Phantom, "a disk that fills up stops the batch at once; with room the same command goes on") {
  if (!mounting_allowed()) return;
  for (const std::size_t megabytes : {1, 2, 3}) {
    CAPTURE(megabytes);
    const SmallDisk disk(*this / "disk", megabytes << 20);
    const Facility facility(disk.path());
    const Outcome full = facility.voxflow(import());
    CAPTURE(full.err);
    CHECK(full.exit_code == 3);
    const std::string text = "No space left on device";
    has(full.err, text);
    CHECK(full.err.find(text, full.err.find(text) + 1) == std::string::npos);
    CHECK(facility.leftovers().empty());
    const std::size_t whole = whole_artifacts(facility.archive());
    CHECK(whole < 4);
    disk.grow_to(64 << 20);
    has(facility.must(import()),
        whole == 0 ? "4 of 4 imported" : fmt::format("4 of 4 imported, {} of them before", whole));
    CHECK(whole_artifacts(facility.archive()) == 4);
  }
}
