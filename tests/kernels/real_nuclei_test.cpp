// Segmentation of a real volume with known nuclei: idr0062, a mouse blastocyst.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "pipeline/phantom/score.hpp"
#include "tests/kernels/block_runner.hpp"
#include "tests/support/nuclei.hpp"

using namespace voxflow;
using namespace voxflow::test;
namespace fs = std::filesystem;

namespace {
std::optional<fs::path> data_folder() {
  const char* named = std::getenv("VOXFLOW_TEST_DATA");
  const fs::path folder = fs::path(named != nullptr ? named : VOXFLOW_SOURCE_DIR "/../shared/data") / "idr0062_6001240";
  if (fs::exists(folder)) return folder / "converted_tiff";
  MESSAGE("skipped: " << folder.string() << " is not there; VOXFLOW_TEST_DATA names the folder of the real data");
  return std::nullopt;
}

template <class T>
Volume read_channel(const fs::path& file) {
  auto [shape, voxels] = read_tiff<T>(file);
  return {{shape, {{{0.5002}, {0.3604}, {0.3604}}}}, std::move(voxels)};
}
}  // namespace

TEST_CASE("the watershed finds at least 46 of the 61 nuclei of a mouse blastocyst, foreground Dice at least 0.81") {
  const auto folder = data_folder();
  if (!folder) return;
  const Volume truth = read_channel<std::uint32_t>(*folder / "labels_gt.tif");
  const Volume image = read_channel<float>(*folder / "DAPI.tif");
  const ParamValues params{{"sigma", 0.8}, {"threshold", std::string("local")}, {"min_diameter", 4.0}, {"depth", 0.05}};
  const auto start = std::chrono::steady_clock::now();
  const auto found = run_blocks(shipped_kernel("segment.watershed"), params, {{{"image", {image}}}, {}}, "image",
                                {0, 0, 0}, Context(2, nullptr));
  const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto& labels = found.volumes.at("labels").as<std::uint32_t>();
  const auto score = phantom::match_objects(truth.as<std::uint32_t>(), labels);
  const double d = foreground_dice(truth.as<std::uint32_t>(), labels);
  MESSAGE(fmt::format("{} of {} nuclei matched, {} found, foreground Dice {:.3f}, {:.1f} s", score.matched, score.truth,
                      score.found, d, s));
  CHECK(score.matched >= 46);
  CHECK(d >= 0.81);
}
