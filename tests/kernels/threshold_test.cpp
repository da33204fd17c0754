#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "pipeline/core/error.hpp"
#include "tests/kernels/block_runner.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

const Grid kGrid{{6, 20, 30}, {}};

std::vector<std::uint8_t> threshold(const Volume& image, const ParamValues& params, const Index3& core = {0, 0, 0}) {
  return run_blocks(shipped_kernel("segment.threshold"), params, {{{"image", {image}}}, {}}, "image", core)
      .volumes.at("mask")
      .as<std::uint8_t>();
}

// Otsu's criterion tried at every value that occurs.
double slow_otsu(const std::vector<float>& voxels) {
  std::map<float, double> counts;
  for (const float v : voxels)
    if (std::isfinite(v)) ++counts[v];
  double best = 0, best_variance = -1;
  for (const auto& [candidate, unused] : counts) {
    double n0 = 0, n1 = 0, s0 = 0, s1 = 0;
    for (const auto& [v, n] : counts) (v <= candidate ? n0 : n1) += n, (v <= candidate ? s0 : s1) += n * v;
    if (n1 == 0) continue;
    const double variance = n0 * n1 * (s0 / n0 - s1 / n1) * (s0 / n0 - s1 / n1);
    if (variance > best_variance * (1 + 1e-12)) best = candidate, best_variance = variance;
  }
  return best;
}

std::vector<std::uint8_t> above(const std::vector<float>& voxels, double value) {
  std::vector<std::uint8_t> mask;
  for (const float v : voxels) mask.push_back(v > value);
  return mask;
}

Volume two_classes(double low, double high, double width, double unit) {
  std::mt19937 random(3);
  return make_volume<float>(kGrid, [&](Index z, Index y, Index) {
    const double noise = width * (static_cast<double>(random() % 10000) / 10000 - 0.5);
    return std::round(((y / 4 + z) % 3 == 0 ? high : low) / unit + noise / unit) * unit;
  });
}
}  // namespace

TEST_CASE("Otsu's threshold of whole numbers is that of the exhaustive search") {
  const Volume image = two_classes(300, 900, 700, 1);
  CHECK(threshold(image, {}) == above(image.as(), slow_otsu(image.as())));
}

TEST_CASE("Otsu separates classes of any scale and sign") {
  for (const auto& [low, high, width] : {std::tuple{-2.0, 3.0, 1.0}, {1e-6, 5e-6, 1e-6}, {-1e9, -2e8, 1e8}}) {
    const Volume image = two_classes(low, high, width, width * 1e-4);
    CAPTURE(low);
    CHECK(threshold(image, {}) == above(image.as(), (low + high) / 2));
  }
}

TEST_CASE("the threshold of blocks is that of the whole volume") {
  const Volume image = two_classes(300, 900, 700, 0.37);
  const auto whole = threshold(image, {});
  for (const Index3 core : {Index3{1, 1, 7}, Index3{4, 6, 30}, Index3{6, 20, 8}})
    CHECK(threshold(image, {}, core) == whole);
}

TEST_CASE("a constant image has no foreground") {
  const Volume image = make_volume<float>(kGrid, [](Index, Index, Index) { return 7.0F; });
  CHECK(threshold(image, {}) == std::vector<std::uint8_t>(image.as().size(), 0));
}

TEST_CASE("NaN voxels are background and do not move the threshold") {
  Volume image = two_classes(300, 900, 100, 1);
  auto expected = threshold(image, {});
  auto& voxels = std::get<std::vector<float>>(image.voxels);
  for (std::size_t i = 0; i < voxels.size(); i += 50)
    voxels[i] = std::numeric_limits<float>::quiet_NaN(), expected[i] = 0;
  CHECK(threshold(image, {}) == expected);
}

TEST_CASE("a fixed threshold is itself background") {
  const Volume image = make_volume<float>(kGrid, [](Index, Index, Index x) { return static_cast<float>(x); });
  CHECK(threshold(image, {{"method", "fixed"}, {"value", 12.0}}) == above(image.as(), 12));
}

TEST_CASE("method and value that do not fit each other are refused") {
  const AnyKernel& kernel = shipped_kernel("segment.threshold");
  CHECK_THROWS_WITH_AS(
      kernel.bind({{"method", "fixed"}}),
      "kernel 'segment.threshold': method is fixed, but value is not set; set value, or take method: otsu", UserError);
  CHECK_THROWS_WITH_AS(
      kernel.bind({{"value", 3.0}}),
      "kernel 'segment.threshold': value is set, but method is otsu; take method: fixed, or leave value out",
      UserError);
}
