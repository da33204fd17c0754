#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "tests/kernels/block_runner.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

const Grid kGrid{{9, 14, 37}, {{{0.5}, {0.2}, {0.2}}}};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> median(const Volume& image, double radius_um, const Index3& core = {0, 0, 0}) {
  return run_blocks(shipped_kernel("denoise.median"), {{"radius", radius_um}}, {{{"image", {image}}}, {}}, "image",
                    core)
      .volumes.at("image")
      .as();
}

// Sorts every window; NaN is left out.
std::vector<float> slow_median(const Volume& image, const Index3& radius) {
  return make_volume<float>(image.grid,
                            [&](Index z, Index y, Index x) {
                              std::vector<float> window;
                              for (Index dz = -radius[kZ]; dz <= radius[kZ]; ++dz)
                                for (Index dy = -radius[kY]; dy <= radius[kY]; ++dy)
                                  for (Index dx = -radius[kX]; dx <= radius[kX]; ++dx)
                                    if (const float v = mirrored(image, z + dz, y + dy, x + dx); !std::isnan(v))
                                      window.push_back(v);
                              std::sort(window.begin(), window.end());
                              return window.empty() ? kNan : window[window.size() / 2];
                            })
      .as();
}

Volume camera_image(const Grid& grid = kGrid) {
  std::mt19937 random(7);
  return make_volume<float>(grid, [&](Index, Index, Index) { return random() % 1000; });
}

Volume real_image(float scale) {
  std::mt19937 random(8);
  return make_volume<float>(
      kGrid, [&](Index, Index, Index) { return scale * (static_cast<float>(random() % 100000) / 7.0F - 5000.0F); });
}

bool same_values(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](float x, float y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}
}  // namespace

TEST_CASE("the median equals that of sorted windows, for boxes of every size and values of every kind") {
  for (const auto& [radius_um, radius] :
       {std::pair{0.2, Index3{0, 1, 1}}, {0.32, Index3{1, 2, 2}}, {0.9, Index3{2, 5, 5}}})
    for (const Volume& image : {camera_image(), real_image(1.0F), real_image(1e-3F)}) {
      CAPTURE(radius_um);
      CHECK(median(image, radius_um) == slow_median(image, radius));
    }
}

TEST_CASE("a radius below half a voxel leaves the image as it is") {
  const Volume image = real_image(1.0F);
  CHECK(median(image, 0.09) == image.as());
}

TEST_CASE("NaN voxels are left out of every window, and stay only where there is nothing else") {
  for (const Index3 radius : {Index3{0, 1, 1}, Index3{1, 2, 2}}) {
    Volume image = real_image(1.0F);
    auto& voxels = std::get<std::vector<float>>(image.voxels);
    for (Index y = 0; y < 6; ++y)
      for (Index x = 10; x < 18; ++x) voxels[static_cast<std::size_t>(y * 37 + x)] = kNan;
    const auto result = median(image, radius[kZ] == 0 ? 0.2 : 0.32);
    CHECK(same_values(result, slow_median(image, radius)));
    CHECK(std::isnan(result[2 * 37 + 13]) == (radius[kZ] == 0));
  }
}

TEST_CASE("blocks give the bits of the whole, with NaN in one of them and zeros of both signs") {
  Volume image = camera_image();
  auto& voxels = std::get<std::vector<float>>(image.voxels);
  for (std::size_t i = 0; i < voxels.size(); i += 2) voxels[i] = i % 4 == 0 ? 0.0F : -0.0F;
  voxels[20] = kNan;
  const auto whole = median(image, 0.2);
  for (const Index3 core : {Index3{1, 1, 1}, Index3{4, 5, 33}, Index3{9, 14, 8}}) {
    const auto blocks = median(image, 0.2, core);
    CHECK(std::equal(whole.begin(), whole.end(), blocks.begin(), [](float a, float b) {
      return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    }));
  }
}

TEST_CASE("a single plane is filtered in its plane") {
  const Volume plane = camera_image({{1, 20, 20}, {{{1.0}, {0.2}, {0.2}}}});
  CHECK(median(plane, 0.5) == slow_median(plane, {1, 3, 3}));
}
