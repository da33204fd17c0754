#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/kernels/block_runner.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

const Grid kGrid{{7, 18, 25}, {{{0.4}, {0.2}, {0.1}}}};

std::vector<float> gaussian(const Volume& image, double sigma_um, const Index3& core = {0, 0, 0}) {
  return run_blocks(shipped_kernel("denoise.gaussian"), {{"sigma", sigma_um}}, {{{"image", {image}}}, {}}, "image",
                    core)
      .volumes.at("image")
      .as();
}

Volume noise_image() {
  std::mt19937 random(11);
  return make_volume<float>(kGrid, [&](Index, Index, Index) { return static_cast<float>(random() % 4096); });
}

// Discrete Gaussian weights exp(-v) I_n(v), summed as a series, for |n| <= radius; their sum is 1.
std::vector<double> weights(double variance, Index radius) {
  std::vector<double> half;
  double sum = 0;
  for (Index n = 0; n <= radius; ++n) {
    double term =
        std::exp(-variance + static_cast<double>(n) * std::log(variance / 2) - std::lgamma(static_cast<double>(n) + 1));
    double total = 0;
    for (Index k = 1; k < 200; ++k) {
      total += term;
      term *= variance * variance / 4 / static_cast<double>(k * (k + n));
    }
    half.push_back(total);
    sum += n == 0 ? total : 2 * total;
  }
  for (double& w : half) w /= sum;
  return half;
}

std::vector<float> slow_gaussian(const Volume& image, double sigma_um, const Halo& halo) {
  std::array<std::vector<double>, 3> w;
  for (std::size_t i = 0; i < 3; ++i) w[i] = weights(std::pow(sigma_um / image.grid.spacing[i].value, 2), halo.low[i]);
  const auto [rz, ry, rx] = halo.low;
  return make_volume<float>(image.grid,
                            [&, rz = rz, ry = ry, rx = rx](Index z, Index y, Index x) {
                              double sum = 0;
                              for (Index dz = -rz; dz <= rz; ++dz)
                                for (Index dy = -ry; dy <= ry; ++dy)
                                  for (Index dx = -rx; dx <= rx; ++dx)
                                    sum += w[kZ][std::abs(dz)] * w[kY][std::abs(dy)] * w[kX][std::abs(dx)] *
                                           mirrored(image, z + dz, y + dy, x + dx);
                              return sum;
                            })
      .as();
}
}  // namespace

TEST_CASE("the Gaussian equals the triple sum with weights from the series of the Bessel functions") {
  const Volume image = noise_image();
  const Halo halo = shipped_kernel("denoise.gaussian").bind({{"sigma", 0.2}})->halo(kGrid);
  CHECK(halo.low[kX] > halo.low[kZ]);
  const auto fast = gaussian(image, 0.2), slow = slow_gaussian(image, 0.2, halo);
  double worst = 0;
  for (std::size_t i = 0; i < fast.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(fast[i]) - slow[i]));
  CHECK(worst < 4096 * 1e-5);
}

TEST_CASE("blocks of the Gaussian give the bits of the whole") {
  const Volume image = noise_image();
  const auto whole = gaussian(image, 0.15);
  for (const Index3 core : {Index3{1, 1, 1}, Index3{3, 7, 8}, Index3{7, 5, 25}})
    CHECK(gaussian(image, 0.15, core) == whole);
}

TEST_CASE("a constant image stays as it is, to the last bits") {
  const Volume image = make_volume<float>(kGrid, [](Index, Index, Index) { return 300.0F; });
  for (const float v : gaussian(image, 0.3)) CHECK(v == doctest::Approx(300.0F).epsilon(1e-6));
}

TEST_CASE("voxels that are no number have no part in the mean of those around them, whatever the blocks are") {
  Volume image = noise_image(), zero = noise_image(), ones = zero;
  auto& voxels = std::get<std::vector<float>>(image.voxels);
  auto& known = std::get<std::vector<float>>(zero.voxels);
  auto& weights = std::get<std::vector<float>>(ones.voxels);
  std::fill(weights.begin(), weights.end(), 1.0F);
  const std::size_t a = (3 * 18 + 9) * 25 + 12, b = a + 3;
  voxels[a] = std::numeric_limits<float>::quiet_NaN(), voxels[b] = std::numeric_limits<float>::infinity();
  known[a] = known[b] = weights[a] = weights[b] = 0;
  const auto result = gaussian(image, 0.1), sum = gaussian(zero, 0.1), weight = gaussian(ones, 0.1);
  for (std::size_t i = 0; i < result.size(); ++i) {
    CAPTURE(i);
    CHECK(result[i] == doctest::Approx(sum[i] / weight[i]).epsilon(1e-5));
  }
  CHECK(gaussian(image, 0.1, Index3{3, 7, 8}) == result);
}

TEST_CASE("where nothing is known, a Gaussian says so") {
  const Volume image =
      make_volume<float>(kGrid, [](Index, Index, Index) { return std::numeric_limits<float>::quiet_NaN(); });
  for (const float v : gaussian(image, 0.1)) CHECK(std::isnan(v));
}

TEST_CASE("a Gaussian much wider than a voxel keeps its variance") {
  const Grid line{{1, 1, 401}, {{{1.0}, {1.0}, {0.1}}}};
  const Volume impulse = make_volume<float>(line, [](Index, Index, Index x) { return x == 200 ? 1.0F : 0.0F; });
  const auto result = gaussian(impulse, 2.0);
  double sum = 0, squares = 0;
  for (Index x = 0; x < 401; ++x) {
    const double w = result[static_cast<std::size_t>(x)], distance_um = 0.1 * static_cast<double>(x - 200);
    sum += w, squares += w * distance_um * distance_um;
  }
  CHECK(sum == doctest::Approx(1.0).epsilon(1e-6));
  // What is cut off holds 0.001 of the weight at 3.3 standard deviations and more.
  CHECK(std::sqrt(squares / sum) == doctest::Approx(2.0).epsilon(0.01));
}
