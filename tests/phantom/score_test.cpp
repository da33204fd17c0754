// Scores of a result against the truth.
#include "pipeline/phantom/score.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "pipeline/core/error.hpp"
#include "pipeline/phantom/random.hpp"

using namespace voxflow;
using namespace voxflow::phantom;

namespace {
ObjectScore match(const std::vector<std::uint32_t>& truth, const std::vector<std::uint32_t>& found,
                  double least = 0.5) {
  return match_objects(truth, found, least);
}
}  // namespace

TEST_CASE("PSNR is measured against the range of the truth") {
  const std::vector<float> truth{0, 10, 0, 10}, off{1, 11, 1, 11};
  CHECK(psnr(truth, off) == doctest::Approx(20));
  CHECK(std::isinf(psnr(truth, truth)));
  const std::vector<float> flat{5, 5}, other{6, 6};
  CHECK(psnr(flat, other) == doctest::Approx(0));
  CHECK_THROWS_AS(psnr(truth, flat), InternalError);
}

TEST_CASE("PSNR after a fit does not see another scale of intensities") {
  const std::vector<float> truth{0, 10, 20, 10}, scaled{5, 6, 7, 6}, noisy{5, 6.1F, 7, 5.9F}, flat{3, 3, 3, 3};
  CHECK(psnr_after_fit(truth, scaled) > 100);
  CHECK(psnr_after_fit(truth, noisy) == doctest::Approx(10 * std::log10(400 / 0.5)).epsilon(0.01));
  CHECK(psnr_after_fit(truth, flat) == doctest::Approx(10 * std::log10(400 / 50.0)));
  CHECK_THROWS_AS(psnr_after_fit(truth, std::vector<float>{1}), InternalError);
}

TEST_CASE("objects match at an intersection over union of a half, each once") {
  ObjectScore s = match({1, 1, 0, 2, 2, 2, 2}, {7, 7, 0, 9, 9, 0, 0});
  CHECK(s.truth == 2);
  CHECK(s.found == 2);
  CHECK(s.matched == 2);
  CHECK(match({1, 1, 1, 1}, {3, 0, 0, 0}).matched == 0);
  CHECK(match({1, 1, 1, 1}, {3, 3, 4, 4}).matched == 1);
  CHECK(match({1, 1, 2, 2}, {3, 3, 3, 3}).matched == 1);
  CHECK(match({0, 0}, {0, 0}).matched == 0);
  s = match({0, 1}, {2, 2});
  CHECK(s.matched == 1);
  CHECK_THROWS_AS(match({1}, {1, 1}), InternalError);
}

TEST_CASE("of overlapping candidates the best pair goes first") {
  // 1 overlaps 5 by 3 of 4 and 6 by 1 of 6; 2 overlaps 6 by 4 of 5.
  CHECK(match({1, 1, 1, 1, 2, 2, 2, 2}, {5, 5, 5, 6, 6, 6, 6, 6}).matched == 2);
  CHECK(match({1, 1, 1, 1, 2, 2, 2, 2}, {5, 5, 5, 6, 6, 6, 6, 6}, 0.8).matched == 1);
}

TEST_CASE("random numbers are the same everywhere and have the moments they should") {
  Random first(42, 0);
  CHECK(first.bits() == Random(42, 0).bits());
  CHECK(Random(42, 0).bits() != Random(42, 1).bits());
  CHECK(Random(42, 0).bits() == 6332618229526065668U);
  Random random(1, 0);
  for (const double mean : {0.5, 30.0, 650.0}) {
    double sum = 0, squares = 0;
    constexpr int kDraws = 20'000;
    for (int i = 0; i < kDraws; ++i) {
      const double v = random.poisson(mean);
      sum += v;
      squares += (v - mean) * (v - mean);
    }
    CHECK(sum / kDraws == doctest::Approx(mean).epsilon(5 / std::sqrt(mean * kDraws)));
    CHECK(squares / kDraws == doctest::Approx(mean).epsilon(0.06));
  }
  CHECK(random.poisson(0) == 0);
}
