// Real series from import to result through the programs: microglia, 122 files of one timepoint each.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "pipeline/archive/image_file.hpp"
#include "tests/cli/facility.hpp"
#include "tests/support/contains.hpp"

namespace fs = std::filesystem;
using namespace voxflow;
using namespace voxflow::test;

namespace {
constexpr int kTimepoints = 122;

const char* const kDenoise =
    "voxflow: 1\nworkflow: series\nselect: kind = \"acquisition\"\nsteps:\n"
    "  denoised: { kernel: denoise.median, input: image, params: { radius: 1 um } }\n"
    "resources: { default: { ranks: 2, memory: 1 GB, time: 10 min } }\n";

std::string file_of(const fs::path& folder, int timepoint) {
  return (folder / fmt::format("volume--C00--T{}.tif", timepoint)).string();
}

/// The file of what the workflow made of an image.
fs::path result_of(const Facility& facility, const std::string& image) {
  const auto shown = nlohmann::json::parse(facility.must({"--json", "show", image + " series/denoised"}));
  return facility.archive() / shown.at("artifact").get<std::string>() / "data.h5";
}

std::vector<Digest> voxels_of(const fs::path& file, int timepoint) {
  return archive::ImageReader(file).chunk_digests(timepoint, 0);
}
}  // namespace

TEST_CASE("microglia: 122 unpadded LZW files are one image, and denoised each timepoint has the bits it has alone") {
  const fs::path folder = test_data() / "bdp2_microglia_3dt";
  if (test_data().empty() || !fs::exists(folder)) {
    MESSAGE("skipped: there is no " << folder.string() << "; VOXFLOW_TEST_DATA names the folder of the real data");
    return;
  }
  const Facility facility;
  const auto import = [&](const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "import");
    arguments.insert(arguments.end(), {"--project", "microglia", "--spacing", "1,1,1 um", "--name", name});
    return facility.must(arguments);
  };
  std::vector<std::string> files;
  for (int t = kTimepoints; t >= 1; --t) files.push_back(file_of(folder, t));
  files.insert(files.end(), {"--files-are", "timepoints"});
  has(import("all", files), "122 x 1 x 58 x 110 x 191");
  import("ninth", {file_of(folder, 9)});
  import("last", {file_of(folder, kTimepoints)});

  has(facility.must({"run", facility.write("series.yaml", kDenoise).string()}), "3 done, 0 failed");
  const fs::path all = result_of(facility, "all");
  CHECK(archive::ImageReader(all).info().timepoints == kTimepoints);
  CHECK(archive::verify_image(all) == std::vector<std::string>{});
  CHECK(voxels_of(all, 8) == voxels_of(result_of(facility, "ninth"), 0));
  CHECK(voxels_of(all, 121) == voxels_of(result_of(facility, "last"), 0));
  CHECK(voxels_of(all, 8) != voxels_of(all, 121));
}
