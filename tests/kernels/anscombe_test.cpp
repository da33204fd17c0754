#include "kernels/shared/anscombe.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "pipeline/core/error.hpp"

namespace {
using namespace voxflow;
using shared::Anscombe;
using shared::NoiseModel;

float forward(const Anscombe& transform, double intensity) {
  auto v = static_cast<float>(intensity);
  transform.forward(&v, 1, &v);
  return v;
}

float inverse(const Anscombe& transform, double stabilised) {
  auto v = static_cast<float>(stabilised);
  transform.inverse(&v, 1, &v);
  return v;
}

// The mean of the stabilised intensity where `electrons` are expected, summed over counts and integrated over the read
// noise in small steps.
double expected_stabilised(const NoiseModel& noise, double electrons) {
  const double s = noise.read_noise / noise.gain;
  double mean = 0;
  for (int count = 0; count < 2000; ++count) {
    const double n = count;
    const double log_probability = electrons > 0 ? n * std::log(electrons) - electrons - std::lgamma(n + 1)
                                   : count == 0  ? 0
                                                 : -1e9;
    if (log_probability < -60) continue;
    const int steps = s > 0 ? 2000 : 0;
    double sum = 0, weights = 0;
    for (int i = -steps; i <= steps; ++i) {
      const double sd = steps > 0 ? 9.0 * i / steps : 0, weight = std::exp(-sd * sd / 2);
      sum += weight * 2 * std::sqrt(std::max(0.0, n + s * sd + 0.375 + s * s));
      weights += weight;
    }
    mean += std::exp(log_probability) * sum / weights;
  }
  return mean;
}
}  // namespace

TEST_CASE("the inverse of the mean of stabilised intensities is the expected intensity") {
  for (const NoiseModel noise : {NoiseModel{1, 0, 0}, {2, 100, 3}, {0.46, 100, 1.6}, {5, -20, 1}, {0.1, 7, 2}}) {
    const Anscombe transform(noise);
    for (const double electrons : {0.0, 0.02, 0.1, 0.3, 1.0, 2.5, 10.0, 40.0, 150.0, 190.0, 230.0, 600.0}) {
      CAPTURE(noise.gain);
      CAPTURE(noise.read_noise);
      CAPTURE(electrons);
      const double found = inverse(transform, expected_stabilised(noise, electrons));
      const double sd = std::sqrt(noise.gain * noise.gain * electrons + noise.read_noise * noise.read_noise);
      CHECK(std::abs(found - noise.offset - noise.gain * electrons) < 2e-3 * std::max(sd, 0.1 * noise.gain));
    }
  }
}

TEST_CASE("the noise of stabilised intensities has a standard deviation of about 1 from few photons on") {
  const NoiseModel noise{2, 100, 3};
  const Anscombe transform(noise);
  for (const double electrons : {1.0, 4.0, 30.0}) {
    double mean = 0, squares = 0, weights = 0;
    for (int count = 0; count < 120; ++count)
      for (int i = -60; i <= 60; ++i) {
        const double n = count, sd = i / 10.0;
        const double weight = std::exp(n * std::log(electrons) - electrons - std::lgamma(n + 1) - sd * sd / 2);
        const double v = forward(transform, noise.offset + noise.gain * n + noise.read_noise * sd);
        mean += weight * v, squares += weight * v * v, weights += weight;
      }
    mean /= weights;
    CHECK(std::sqrt(squares / weights - mean * mean) == doctest::Approx(1).epsilon(0.08));
  }
}

TEST_CASE("the inverse grows without steps, below the darkest expectation as well") {
  const Anscombe transform({2, 100, 3});
  float last = inverse(transform, 0);
  CHECK(last < 100);
  for (int i = 1; i < 4000; ++i) {
    const float next = inverse(transform, i / 100.0);
    CHECK(next > last);
    CHECK(next - last < 0.011F * 2 * static_cast<float>(i + 200) / 100);
    last = next;
  }
}

TEST_CASE("without gain the noise is the same everywhere, and the transform a straight line") {
  const Anscombe transform({0, 50, 4});
  CHECK(forward(transform, 58) == doctest::Approx(2));
  CHECK(forward(transform, 42) == doctest::Approx(-2));
  CHECK(inverse(transform, forward(transform, -300.5)) == doctest::Approx(-300.5));
}

TEST_CASE("no noise at all, or a negative one, is a mistake of the caller") {
  CHECK_THROWS_AS(Anscombe({0, 0, 0}), InternalError);
  CHECK_THROWS_AS(Anscombe({1, 0, -1}), InternalError);
}

TEST_CASE("many values at once are treated as each alone") {
  const Anscombe transform({2, 100, 3});
  std::vector<float> stabilised, back(37);
  for (int i = 0; i < 37; ++i) stabilised.push_back(forward(transform, 80 + 31 * i));
  transform.inverse(stabilised.data(), 37, back.data());
  for (std::size_t i = 0; i < back.size(); ++i) CHECK(back[i] == inverse(transform, stabilised[i]));
}
