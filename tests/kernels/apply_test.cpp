#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "pipeline/run/execute.hpp"
#include "pipeline/run/sources.hpp"
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

TEST_CASE("a single plane stands for all: a shift along z leaves it as it is") {
  const Grid plane{{1, 10, 10}, {{{1.0}, {0.2}, {0.2}}}};
  const Volume image =
      make_volume<float>(plane, [](Index, Index y, Index x) { return static_cast<float>(10 * y + x); });
  for (const char* interpolation : {"linear", "cubic"})
    for (const double um : {0.001, -3.0, 1e5}) {
      const auto moved =
          apply(image, {{"translation", std::vector{um, 0.0, 0.0}}, {"interpolation", interpolation}}, {}, {1, 4, 4});
      for (std::size_t i = 0; i < moved.size(); ++i) CHECK(moved[i] == doctest::Approx(static_cast<double>(i)));
    }
}

TEST_CASE("a NaN voxel spreads to the voxels that are interpolated from it") {
  Volume image = noise_image();
  std::get<std::vector<float>>(image.voxels)[(3 * 16 + 8) * 21 + 10] = std::numeric_limits<float>::quiet_NaN();
  const auto moved = apply(image, {{"translation", std::vector{0.0, 0.0, 0.05}}});
  CHECK(std::isnan(moved[(3 * 16 + 8) * 21 + 9]));
  CHECK(std::isnan(moved[(3 * 16 + 8) * 21 + 10]));
  CHECK_FALSE(std::isnan(moved[(3 * 16 + 8) * 21 + 12]));
}

namespace {
const ParamValues kCubic{{"interpolation", "cubic"}, {"outside", -1.0}};

// Coefficients c with (c[k-1] + 4 c[k] + c[k+1]) / 6 = v[k], mirrored at the ends, by elimination.
void solve_spline(std::vector<double>& v) {
  const std::size_t n = v.size();
  if (n == 1) return;
  std::vector<double> above(n);
  double diagonal = 4;
  above[0] = 2 / diagonal, v[0] = 6 * v[0] / diagonal;
  for (std::size_t k = 1; k < n; ++k) {
    const double below = k + 1 == n ? 2 : 1;
    diagonal = 4 - below * above[k - 1];
    above[k] = 1 / diagonal;
    v[k] = (6 * v[k] - below * v[k - 1]) / diagonal;
  }
  for (std::size_t k = n - 1; k-- > 0;) v[k] -= above[k] * v[k + 1];
}

std::vector<double> spline_coefficients(const Volume& image) {
  const Index3& shape = image.grid.shape;
  const auto voxel = [&](Index z, Index y, Index x) {
    return static_cast<std::size_t>((z * shape[kY] + y) * shape[kX] + x);
  };
  std::vector<double> c(image.as().begin(), image.as().end());
  for (std::size_t axis = 0; axis < 3; ++axis) {
    Index3 lines = shape;
    lines[axis] = 1;
    for (Index z = 0; z < lines[kZ]; ++z)
      for (Index y = 0; y < lines[kY]; ++y)
        for (Index x = 0; x < lines[kX]; ++x) {
          std::vector<double> line;
          const auto at = [&](Index i) { return voxel(axis == kZ ? i : z, axis == kY ? i : y, axis == kX ? i : x); };
          for (Index i = 0; i < shape[axis]; ++i) line.push_back(c[at(i)]);
          solve_spline(line);
          for (Index i = 0; i < shape[axis]; ++i) c[at(i)] = line[static_cast<std::size_t>(i)];
        }
  }
  return c;
}

double b_spline(double x) {
  x = std::abs(x);
  return x < 1 ? 2.0 / 3 - x * x + x * x * x / 2 : x < 2 ? std::pow(2 - x, 3) / 6 : 0;
}

// The spline's definition at every voxel, from all coefficients near it.
std::vector<float> slow_cubic(const Volume& image, const Affine3& map, float outside) {
  const Grid& grid = image.grid;
  const std::vector<double> c = spline_coefficients(image);
  return make_volume<float>(
             grid,
             [&](Index z, Index y, Index x) {
               const Index3 index{z, y, x};
               Point3 at{};
               for (std::size_t i = 0; i < 3; ++i) at[i] = static_cast<double>(index[i]) * grid.spacing[i].value;
               at = map(at);
               Index3 low{};
               for (std::size_t i = 0; i < 3; ++i) {
                 at[i] /= grid.spacing[i].value;
                 if (at[i] < -1e-6 || at[i] > static_cast<double>(grid.shape[i] - 1) + 1e-6) return outside;
                 low[i] = static_cast<Index>(std::floor(at[i]));
               }
               const auto folded = [&](Index i, std::size_t axis) {
                 const Index n = grid.shape[axis];
                 return n == 1 ? 0 : i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
               };
               double sum = 0;
               for (Index dz = -1; dz <= 2; ++dz)
                 for (Index dy = -1; dy <= 2; ++dy)
                   for (Index dx = -1; dx <= 2; ++dx) {
                     const double weight = b_spline(at[kZ] - static_cast<double>(low[kZ] + dz)) *
                                           b_spline(at[kY] - static_cast<double>(low[kY] + dy)) *
                                           b_spline(at[kX] - static_cast<double>(low[kX] + dx));
                     const Index row = folded(low[kZ] + dz, kZ) * grid.shape[kY] + folded(low[kY] + dy, kY);
                     sum += weight * c[static_cast<std::size_t>(row * grid.shape[kX] + folded(low[kX] + dx, kX))];
                   }
               return static_cast<float>(sum);
             })
      .as();
}

Affine3 shifted(const Point3& um) {
  Affine3 a;
  a.translation_um = um;
  return a;
}
}  // namespace

TEST_CASE("cubic interpolation is the B-spline through the voxels, as solved and summed by its definition") {
  const Volume image = noise_image();
  for (const Affine3& map : {tilted().entries[0].transform, shifted({0.11, -0.33, 0.27}), shifted({-1.4, 0.05, 0})})
    CHECK(largest_difference(apply(image, kCubic, {{"transform", TransformSet{{{-1, -1, map}}}}}),
                             slow_cubic(image, map, -1.0F)) < 0.02);
}

TEST_CASE("cubic interpolation goes through the voxels") {
  const Volume image = noise_image();
  CHECK(largest_difference(apply(image, {{"interpolation", "cubic"}}), image.as()) < 0.01);
}

TEST_CASE("cubic interpolation keeps a fine wave that linear interpolation flattens") {
  const Grid line{{1, 1, 200}, {{{1.0}, {1.0}, {1.0}}}};
  const auto wave = [&](double shift) {
    return make_volume<float>(
        line, [&](Index, Index, Index x) { return 100 * std::sin(1.2 * (static_cast<double>(x) + shift)); });
  };
  const auto worst = [&](const char* kind) {
    const auto moved = apply(wave(0), {{"interpolation", kind}, {"translation", std::vector{0.0, 0.0, 0.5}}});
    double most = 0;
    for (std::size_t x = 20; x < 180; ++x)
      most = std::max(most, std::abs(static_cast<double>(moved[x]) - wave(0.5).as()[x]));
    return most;
  };
  CHECK(worst("linear") > 15);
  CHECK(worst("cubic") < 3);
}

TEST_CASE("blocks of a cubic resampling give the bits of the whole, tilted or shifted") {
  const Grid grid{{30, 37, 41}, kGrid.spacing};
  std::mt19937 random(3);
  const Volume image =
      make_volume<float>(grid, [&](Index, Index, Index) { return static_cast<float>(random() % 5000); });
  for (const SmallValues& small : {SmallValues{{"transform", tilted()}},
                                   SmallValues{{"transform", TransformSet{{{-1, -1, shifted({1.3, -0.7, 0.46})}}}}}}) {
    const auto whole = apply(image, kCubic, small);
    for (const Index3 core : {Index3{1, 37, 41}, Index3{7, 9, 11}, Index3{30, 2, 40}})
      CHECK(apply(image, kCubic, small, core) == whole);
  }
}

TEST_CASE("two transforms are applied one after the other, in the order of their ports, with one interpolation") {
  const Volume image = noise_image();
  const Affine3 first = tilted().entries[0].transform;
  Affine3 second = shifted({0.1, -0.15, 0.07});
  second.matrix[kY][kX] = 0.08;
  for (const char* kind : {"linear", "cubic"}) {
    const auto both =
        apply(image, {{"interpolation", kind}},
              {{"transform", TransformSet{{{-1, -1, first}}}}, {"second_transform", TransformSet{{{-1, -1, second}}}}});
    const auto composed =
        apply(image, {{"interpolation", kind}}, {{"transform", TransformSet{{{-1, -1, compose(second, first)}}}}});
    const auto other_way =
        apply(image, {{"interpolation", kind}}, {{"transform", TransformSet{{{-1, -1, compose(first, second)}}}}});
    CHECK(both == composed);
    CHECK(both != other_way);
  }
}

TEST_CASE("a drift over time and a shift between channels meet in each timepoint and channel") {
  const Volume image = noise_image();
  const TransformSet drift{{{0, -1, {}}, {1, -1, shifted({0.5, 0, 0})}}}, channels{{{-1, 1, shifted({0, 0.4, 0})}}};
  const SmallValues both{{"transform", drift}, {"second_transform", channels}};
  const auto by_hand = [&](double z, double y) { return apply(image, {{"translation", std::vector{z, y, 0.0}}}); };
  CHECK(apply(image, {}, both, {0, 0, 0}, {0, 0}) == image.as());
  CHECK(apply(image, {}, both, {0, 0, 0}, {0, 1}) == by_hand(0, 0.4));
  CHECK(apply(image, {}, both, {0, 0, 0}, {1, 0}) == by_hand(0.5, 0));
  CHECK(apply(image, {}, both, {0, 0, 0}, {1, 1}) == by_hand(0.5, 0.4));
}

TEST_CASE("a NaN voxel spreads over 14 voxels of a cubic resampling and no further") {
  const Grid line{{1, 1, 100}, {{{1.0}, {1.0}, {1.0}}}};
  const Volume image = make_volume<float>(line, [](Index, Index, Index x) {
    return x == 50 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(x);
  });
  const auto moved = apply(image, {{"interpolation", "cubic"}, {"translation", std::vector{0.0, 0.0, 0.5}}});
  for (std::size_t x = 0; x < 99; ++x) {
    CAPTURE(x);
    if (x < 36 || x > 64) CHECK_FALSE(std::isnan(moved[x]));
    if (x > 45 && x < 55) CHECK(std::isnan(moved[x]));
  }
}

TEST_CASE("a whole-voxel shift leaves a NaN voxel alone") {
  Volume image = noise_image();
  std::get<std::vector<float>>(image.voxels)[(3 * 16 + 8) * 21 + 10] = std::numeric_limits<float>::quiet_NaN();
  const auto moved = apply(image, {{"translation", std::vector{0.5, 0.2, 0.0}}});
  std::size_t nan = 0;
  for (const float v : moved) nan += std::isnan(v) ? 1U : 0U;
  CHECK(nan == 1);
  CHECK(std::isnan(moved[(2 * 16 + 7) * 21 + 10]));
}

TEST_CASE("an integer image is rounded, and held in its range where a cubic swings beyond it") {
  record::ImageInfo info;
  info.dtype = DType::uint16, info.grid = {{1, 1, 64}, {{{1.0}, {1.0}, {1.0}}}};
  info.channels = {{"c0", std::nullopt, std::nullopt}};
  std::vector<std::uint16_t> step(64);
  for (std::size_t x = 0; x < 64; ++x) step[x] = x < 32 ? 0 : 65535;
  std::vector<std::byte> bytes(sizeof(std::uint16_t) * step.size());
  std::memcpy(bytes.data(), step.data(), bytes.size());
  run::Job job;
  job.kernel = {std::shared_ptr<const AnyKernel>(), &shipped_kernel("register.apply")};
  job.images["image"] = std::make_shared<run::MemorySource>(info, std::move(bytes));
  const auto resampled = [&](const char* kind) {
    job.params = {{"interpolation", kind}, {"translation", std::vector{0.0, 0.0, 0.5}}};
    run::MemorySink sink;
    const auto result = run::execute(job, run::solo_team(), {}, sink);
    const auto out = sink.image("image").volume<std::uint16_t>();
    return std::pair(std::vector<std::uint16_t>(out.data(), out.data() + 63), result.counters.at("clamped_voxels"));
  };
  const auto [linear, none] = resampled("linear");
  CHECK(none == 0);
  CHECK(linear[31] == 32768);  // 32767.5, half to even
  const auto [cubic, clamped] = resampled("cubic");
  CHECK(clamped > 0);
  for (std::size_t x = 0; x < 30; ++x) CHECK(cubic[x] < 6000);
  for (std::size_t x = 33; x < 63; ++x) CHECK(cubic[x] > 59000);
}
