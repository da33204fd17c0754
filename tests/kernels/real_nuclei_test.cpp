// Segmentation of a real volume with known nuclei: idr0062, a mouse blastocyst.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "pipeline/interop/tiff_image.hpp"
#include "pipeline/phantom/score.hpp"
#include "tests/kernels/block_runner.hpp"

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
  interop::TiffImage image(file);
  const auto& facts = image.facts();
  const Index3& shape = facts.shape;
  Volume volume{{shape, {{{0.5002}, {0.3604}, {0.3604}}}}, std::vector<T>()};
  auto& voxels = std::get<std::vector<T>>(volume.voxels);
  const DType dtype = interop::stored_dtype(facts.type);
  std::vector<std::byte> plane(static_cast<std::size_t>(shape[kY] * shape[kX]) * size_bytes(dtype));
  for (Index z = 0; z < shape[kZ]; ++z) {
    image.read_plane(0, 0, z, plane.data());
    visit_dtype(dtype, [&](auto* type) {
      const auto* first = reinterpret_cast<decltype(type)>(plane.data());
      for (const auto* v = first; v != first + shape[kY] * shape[kX]; ++v) voxels.push_back(static_cast<T>(*v));
    });
  }
  return volume;
}

double dice(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  double both = 0, sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += a[i] != 0 && b[i] != 0 ? 1 : 0;
    sum += (a[i] != 0 ? 1 : 0) + (b[i] != 0 ? 1 : 0);
  }
  return 2 * both / sum;
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
  const double d = dice(truth.as<std::uint32_t>(), labels);
  MESSAGE(fmt::format("{} of {} nuclei matched, {} found, foreground Dice {:.3f}, {:.1f} s", score.matched, score.truth,
                      score.found, d, s));
  CHECK(score.matched >= 46);
  CHECK(d >= 0.81);
}
