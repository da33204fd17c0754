// Masks for real images: the shipped examples group, annotate and measure them.
#include <doctest/doctest.h>

#include "pipeline/acquisition/candidates.hpp"
#include "pipeline/acquisition/trial.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/program.hpp"

namespace fs = std::filesystem;
using namespace voxflow;
using namespace voxflow::acquisition;
using namespace voxflow::test;

namespace {
Mask example(const std::string& name) {
  return load_mask(fs::path(VOXFLOW_SOURCE_DIR) / "examples/masks" / name);
}
}  // namespace

TEST_CASE("122 files T1 to T122 are the timepoints of one image, in order") {
  const fs::path folder = test_data() / "bdp2_microglia_3dt";
  if (!fs::exists(folder)) return;
  const Mask mask = example("microglia.yaml");
  const auto found = candidates(mask, walk({folder}));
  REQUIRE(found.images.size() == 1);
  const Candidate& image = found.images.front();
  CHECK(image.findings.empty());
  CHECK(image.request.grid.timepoints == 122);
  CHECK(image.request.files[9].filename() == "volume--C00--T10.tif");
  CHECK(found.unmatched.size() == 2);  // the licence and a table
}

TEST_CASE("without its timepoint 57 the same image is rejected, and the reason says so") {
  const fs::path folder = test_data() / "bdp2_microglia_3dt";
  if (!fs::exists(folder)) return;
  auto files = walk({folder});
  std::erase_if(files, [](const fs::path& f) { return f.filename() == "volume--C00--T57.tif"; });
  const auto found = candidates(example("microglia.yaml"), files);
  REQUIRE(found.images.front().findings.size() == 1);
  has(found.images.front().findings.front().text, "timepoint 57 has no file in '" + folder.string() + "'");
}

TEST_CASE("calibrated stacks pass, uncalibrated ones are rejected for that") {
  const fs::path folder = test_data() / "neubias_small_stacks";
  if (!fs::exists(folder)) return;
  const Mask mask = example("neubias_stacks.yaml");
  std::size_t calibrated = 0;
  for (const Candidate& candidate : candidates(mask, walk({folder})).images) {
    const TrialImage trial = try_image(mask, candidate);
    INFO(trial.name);
    const bool says_so = trial.files.front().find("calibrated") != std::string::npos;
    if (!says_so) continue;
    ++calibrated;
    for (const Finding& f : trial.report.findings) INFO(f.text);
    CHECK(trial.report.verdict() != Verdict::reject);
    CHECK(worst(trial.report.measurements, "snr").value() > 0.5);
  }
  CHECK(calibrated == 4);
}
