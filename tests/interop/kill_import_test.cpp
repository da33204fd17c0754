// SIGKILL at the system calls of an import: the acquisition is there whole, or not at all.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "pipeline/interop/import.hpp"
#include "tests/interop/tiff_samples.hpp"
#include "tests/support/killed_at.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::test;
using archive::Archive;
namespace fs = std::filesystem;

namespace {
interop::ImportRequest request_for(const fs::path& folder) {
  interop::ImportRequest request;
  request.project = "demo";
  request.name = "movie";
  request.agent = "somebody";
  request.how = interop::Files::timepoints;
  for (int t = 1; t <= 3; ++t) {
    const fs::path file = folder / fmt::format("T{}.tif", t);
    TiffStyle style;
    style.compression = COMPRESSION_LZW;
    write_sample<std::uint16_t>(
        file, {numbered_page<std::uint16_t>(t, 20, 30), numbered_page<std::uint16_t>(t + 10, 20, 30)}, style);
    request.files.push_back(file);
  }
  request.spacing = Spacing3{{{1.0}, {0.5}, {0.5}}};
  return request;
}

struct Tally {
  int killed = 0, whole = 0, with_leftovers = 0;
};

/// Kills an import at `stop` in an archive of its own and looks at what is there.
bool kill_at(long stop, const interop::ImportRequest& request, Tally& tally) {
  const TemporaryDirectory folder(fast_folder(), "voxflow-test-");
  const Archive a = Archive::create(folder.path() / "archive");
  const bool killed = killed_at(stop, [&] { interop::import_image(request, a); });
  CAPTURE(stop);
  tally.killed += killed;
  for (const std::string& artifact : archive::published_artifacts(a)) {
    CHECK(archive::verify_artifact(a, artifact).empty());
    ++tally.whole;
  }
  tally.with_leftovers += archive::remove_leftovers(a) > 0;
  const auto imported = interop::import_image(request, a);  // whatever was left, the next attempt succeeds
  CHECK(archive::published_artifacts(a) == std::vector<std::string>{imported.artifact});
  CHECK(archive::verify_artifact(a, imported.artifact).empty());
  return killed;
}
}  // namespace

TEST_CASE("an import killed at any system call leaves the whole acquisition or none") {
  if (!tracing_allowed()) return;
  const TestFolder folder;
  const auto request = request_for(folder.path());
  Tally tally;
  for (long stop = 0; kill_at(stop, request, tally); ++stop) {
  }
  MESSAGE(fmt::format("killed {} times: {} whole acquisitions, {} times a temporary folder was left and removed",
                      tally.killed, tally.whole, tally.with_leftovers));
  CHECK(tally.killed >= 200);
  CHECK(tally.whole >= 2);
  CHECK(tally.with_leftovers >= 100);
}
