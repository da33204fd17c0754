// From values to brightness.
#include "pipeline/preview/contrast.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace voxflow::preview;

namespace {
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// 0 to 1000, in an order of no meaning, with holes.
std::vector<float> thousand() {
  std::vector<float> values{kNaN, std::numeric_limits<float>::infinity()};
  for (int i = 0; i <= 1000; ++i) values.push_back(static_cast<float>(i * 617 % 1001));
  return values;
}
}  // namespace

TEST_CASE("percentiles are nearest ranks of the finite values") {
  CHECK(percentile(thousand(), 0) == 0);
  CHECK(percentile(thousand(), 1) == 10);
  CHECK(percentile(thousand(), 99.8) == 998);
  CHECK(percentile(thousand(), 100) == 1000);
  CHECK(std::isnan(percentile(std::vector<float>{kNaN}, 50)));
}

TEST_CASE("the robust contrast lets neither a hot pixel nor a dead one decide") {
  auto values = thousand();
  CHECK(robust_contrast(values) == Contrast{10, 998});
  values.push_back(1e9F);
  values.push_back(-1e9F);
  CHECK(robust_contrast(values).high <= 999);
  CHECK(robust_contrast(values).low >= 9);
}

TEST_CASE("a few bright pixels on an even ground are seen") {
  std::vector<float> values(10'000, 7);
  values[77] = 300;
  CHECK(robust_contrast(values) == Contrast{7, 300});
}

TEST_CASE("zeros that fill a border do not decide what is black, zeros that are data do") {
  std::vector<float> values(1000, 100);
  for (std::size_t i = 0; i < 500; ++i) values[i] = 200;
  std::fill_n(values.begin(), 249, 0.0F);
  CHECK(robust_contrast(values) == Contrast{100, 200});
  std::fill_n(values.begin(), 250, 0.0F);
  CHECK(robust_contrast(values) == Contrast{0, 200});
}

TEST_CASE("nothing to tell apart is black") {
  const Contrast even = robust_contrast(std::vector<float>(9, 7));
  CHECK(brightness(7, even, Tone::linear) == 0);
  CHECK(robust_contrast(std::vector<float>{kNaN}) == Contrast{});
  CHECK(brightness(kNaN, {0, 1}, Tone::linear) == 0);
}

TEST_CASE("brightness rises in a line, or with the logarithm") {
  CHECK(brightness(25, {10, 40}, Tone::linear) == doctest::Approx(0.5));
  CHECK(brightness(9, {10, 40}, Tone::linear) == 0);
  CHECK(brightness(41, {10, 40}, Tone::linear) == 1);
  const Contrast four = logarithmic_contrast(std::vector<float>{0, 0.25F, kNaN, 2});
  CHECK(four.high == 2);
  CHECK(four.low == doctest::Approx(2e-4));
  CHECK(brightness(0.02, four, Tone::logarithmic) == doctest::Approx(0.5));
  CHECK(brightness(0, four, Tone::logarithmic) == 0);
}
