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

TEST_CASE("calibrated stacks of several kinds pass; their signal is found above their noise") {
  const fs::path folder = test_data() / "neubias_small_stacks";
  if (!fs::exists(folder)) return;
  const Mask mask = example("neubias_stacks.yaml");
  const auto images = candidates(mask, walk({folder})).images;
  CHECK(images.size() == 7);
  for (const Candidate& candidate : images) {
    const TrialImage trial = try_image(mask, candidate);
    INFO(trial.name);
    CHECK(trial.report.verdict() != Verdict::reject);
    CHECK(worst(trial.report.measurements, "snr").value() > 1);
  }
}

TEST_CASE("a real OME-TIFF without physical sizes is rejected for that, whatever else a mask allows") {
  const fs::path folder = test_data() / "bdp2_ometiff_lzw_timeseries";
  if (!fs::exists(folder)) return;
  const Mask mask = parse_mask({"m.yaml", "voxflow_mask: 1\nmask: m\nfiles: \"{name}.tif\"\n"});
  const auto images = candidates(mask, walk({folder})).images;
  REQUIRE(!images.empty());
  const TrialImage trial = try_image(mask, images.front());
  CHECK(trial.report.verdict() == Verdict::reject);
  CHECK(trial.report.findings.back().rule == "calibration");
  has(trial.report.findings.back().text, "does not say its spacing along");
}
