#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/kernels/block_runner.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

const Grid kGrid{{7, 16, 21}, {{{0.5}, {0.2}, {0.1}}}};

Volume noise_image() {
  std::mt19937 random(2);
  return make_volume<float>(kGrid, [&](Index, Index, Index) { return static_cast<float>(random() % 5000); });
}

TransformSet tilted() {
  Affine3 a;
  a.matrix = {{{0.98, 0.05, -0.02}, {-0.04, 1.03, 0.06}, {0.01, -0.05, 0.97}}};
  a.translation_um = {0.13, -0.21, 0.17};
  return {{{-1, -1, a}}};
}

std::vector<float> apply(const Volume& image, const ParamValues& params, const SmallValues& small = {},
                         const Index3& core = {0, 0, 0}, Slice slice = {0, 0}) {
  return run_blocks(shipped_kernel("register.apply"), params, {{{"image", {image}}}, small, slice}, "image", core)
      .volumes.at("image")
      .as();
}

// Every voxel through micrometres, as the definition says.
std::vector<float> slow_apply(const Volume& image, const Affine3& map, float outside) {
  const Index3& shape = image.grid.shape;
  return make_volume<float>(image.grid,
                            [&](Index z, Index y, Index x) {
                              const Index3 at{z, y, x};
                              Point3 um{}, voxel{};
                              for (std::size_t i = 0; i < 3; ++i)
                                um[i] = static_cast<double>(at[i]) * kGrid.spacing[i].value;
                              um = map(um);
                              for (std::size_t i = 0; i < 3; ++i) {
                                voxel[i] = um[i] / kGrid.spacing[i].value;
                                if (voxel[i] < -1e-6 || voxel[i] > static_cast<double>(shape[i] - 1) + 1e-6)
                                  return outside;
                              }
                              double sum = 0;
                              for (int corner = 0; corner < 8; ++corner) {
                                double weight = 1;
                                Index3 p{};
                                for (std::size_t i = 0; i < 3; ++i) {
                                  const double low = std::floor(voxel[i]), part = voxel[i] - low;
                                  const bool high = (corner >> i & 1) != 0;
                                  weight *= high ? part : 1 - part;
                                  p[i] = static_cast<Index>(low) + (high ? 1 : 0);
                                }
                                if (weight > 1e-9) sum += weight * mirrored(image, p[kZ], p[kY], p[kX]);
                              }
                              return static_cast<float>(sum);
                            })
      .as();
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(a[i]) - b[i]));
  return worst;
}
}  // namespace

TEST_CASE("without transform and translation the image stays as it is") {
  const Volume image = noise_image();
  CHECK(apply(image, {}) == image.as());
}

TEST_CASE("a translation of whole voxels moves voxels and leaves their values") {
  const Volume image = noise_image();
  const auto moved = apply(image, {{"translation", std::vector{0.5, 0.6, -0.3}}, {"outside", 7.0}});
  const auto expected = make_volume<float>(kGrid, [&](Index z, Index y, Index x) {
    const Box3 source{{z + 1, y + 3, x - 3}, {1, 1, 1}};
    return contains(kGrid.box(), source) ? mirrored(image, z + 1, y + 3, x - 3) : 7.0F;
  });
  CHECK(largest_difference(moved, expected.as()) < 1e-3);
}

TEST_CASE("an affine transform is applied as its definition in micrometres says") {
  const Volume image = noise_image();
  const auto fast = apply(image, {{"outside", -1.0}}, {{"transform", tilted()}});
  CHECK(largest_difference(fast, slow_apply(image, tilted().entries[0].transform, -1.0F)) < 0.01);
}

TEST_CASE("a given translation is added to what the transform gives") {
  const Volume image = noise_image();
  Affine3 sum = tilted().entries[0].transform;
  for (std::size_t i = 0; i < 3; ++i) sum.translation_um[i] += 0.1;
  const auto fast = apply(image, {{"translation", std::vector{0.1, 0.1, 0.1}}}, {{"transform", tilted()}});
  CHECK(largest_difference(fast, slow_apply(image, sum, 0.0F)) < 0.01);
}

TEST_CASE("each timepoint and channel is resampled through its own transform") {
  const Volume image = noise_image();
  TransformSet by_channel{{{-1, 0, {}}, {-1, 1, {}}}};
  by_channel.entries[1].transform.translation_um = {0.0, 0.2, 0.0};
  CHECK(apply(image, {}, {{"transform", by_channel}}, {0, 0, 0}, {0, 0}) == image.as());
  CHECK(largest_difference(apply(image, {}, {{"transform", by_channel}}, {0, 0, 0}, {0, 1}),
                           apply(image, {{"translation", std::vector{0.0, 0.2, 0.0}}})) < 1e-3);
}

TEST_CASE("blocks read what their footprint says and give the bits of the whole") {
  const Volume image = noise_image();
  const SmallValues small{{"transform", tilted()}};
  const auto whole = apply(image, {}, small);
  for (const Index3 core : {Index3{1, 1, 1}, Index3{3, 5, 8}, Index3{7, 16, 2}})
    CHECK(apply(image, {}, small, core) == whole);
}

TEST_CASE("an image that is moved out of sight leaves the outside value alone") {
  const Volume image = noise_image();
  for (const double um : {1e5, -1e5, 3.6, -3.6})
    CHECK(apply(image, {{"translation", std::vector{um, um, um}}, {"outside", 3.0}}, {}, {4, 8, 8}) ==
          std::vector<float>(image.as().size(), 3.0F));
}

TEST_CASE("a single plane can be moved in its plane") {
  const Grid plane{{1, 10, 10}, {{{1.0}, {0.2}, {0.2}}}};
  const Volume image =
      make_volume<float>(plane, [](Index, Index y, Index x) { return static_cast<float>(10 * y + x); });
  const auto moved = apply(image, {{"translation", std::vector{0.0, 0.1, 0.0}}});
  CHECK(moved[0] == doctest::Approx(5.0));
  CHECK(moved[89] == doctest::Approx(94.0));
  CHECK(moved[99] == 0.0F);
}

TEST_CASE("a NaN voxel spreads to the voxels that are interpolated from it") {
  Volume image = noise_image();
  std::get<std::vector<float>>(image.voxels)[(3 * 16 + 8) * 21 + 10] = std::numeric_limits<float>::quiet_NaN();
  const auto moved = apply(image, {{"translation", std::vector{0.0, 0.0, 0.05}}});
  CHECK(std::isnan(moved[(3 * 16 + 8) * 21 + 9]));
  CHECK(std::isnan(moved[(3 * 16 + 8) * 21 + 10]));
  CHECK_FALSE(std::isnan(moved[(3 * 16 + 8) * 21 + 12]));
}
