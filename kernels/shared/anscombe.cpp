#include "kernels/shared/anscombe.hpp"

#include <immintrin.h>

#include <algorithm>
#include <cmath>

#include "pipeline/core/error.hpp"

namespace voxflow::shared {

namespace {
constexpr double kStep = 1.0 / 16;      // of stabilised values, in the table
constexpr double kMostElectrons = 200;  // beyond, the bias is 1/4 up to 1e-3
constexpr double kAsymptoticBias = 0.25;
constexpr double kReach_sd = 8;  // of the read noise

using Lanes = __m256;
template <class T>
Lanes lanes(T v) {
  return _mm256_set1_ps(static_cast<float>(v));
}

// Every value is treated by the same instructions, also those at the end.
template <class F>
void for_each_eight(const float* from, Index n, float* to, const F& f) {
  Index i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(to + i, f(_mm256_loadu_ps(from + i)));
  float last[8] = {};
  std::copy(from + i, from + n, last);
  _mm256_storeu_ps(last, f(_mm256_loadu_ps(last)));
  std::copy_n(last, n - i, to + i);
}

// Means of 2 sqrt(electrons + floor) under read noise, by number of electrons.
std::vector<double> means_by_electrons(double read_noise, double floor) {
  constexpr int kNodes = 512;
  const auto most = static_cast<std::size_t>(kMostElectrons + 12 * std::sqrt(kMostElectrons) + 40);
  std::vector<double> offsets{0}, weights{1};
  if (read_noise > 0) {
    offsets.clear(), weights.clear();
    double sum = 0;
    for (int i = -kNodes; i <= kNodes; ++i) {
      const double sd = kReach_sd * i / kNodes;
      offsets.push_back(read_noise * sd);
      weights.push_back(std::exp(-sd * sd / 2));
      sum += weights.back();
    }
    for (double& w : weights) w /= sum;
  }
  std::vector<double> means;
  for (std::size_t electrons = 0; electrons <= most; ++electrons) {
    double mean = 0;
    for (std::size_t i = 0; i < offsets.size(); ++i)
      mean += weights[i] * 2 * std::sqrt(std::max(static_cast<double>(electrons) + offsets[i] + floor, 0.0));
    means.push_back(mean);
  }
  return means;
}

// The mean of `values` over a Poisson distribution, and its slope by the distribution's mean.
struct Mean {
  double value = 0, slope = 0;
};
Mean poisson_mean(const std::vector<double>& values, double expected) {
  Mean mean;
  double probability = std::exp(-expected);
  const auto end = std::min(values.size() - 1, static_cast<std::size_t>(expected + 12 * std::sqrt(expected) + 40));
  for (std::size_t n = 0; n < end; ++n) {
    mean.value += probability * values[n];
    mean.slope += probability * (values[n + 1] - values[n]);
    probability *= expected / static_cast<double>(n + 1);
  }
  return mean;
}
}  // namespace

Anscombe::Anscombe(const NoiseModel& noise) : noise_(noise) {
  if (!(noise.gain >= 0) || !(noise.read_noise >= 0) || !(noise.gain + noise.read_noise > 0))
    throw InternalError("the Anscombe transform was asked for without noise");
  if (noise.gain == 0) return;
  const double read_noise = noise.read_noise / noise.gain;
  floor_ = 0.375 + read_noise * read_noise;
  const auto algebraic = [&](double stabilised) { return stabilised * stabilised / 4 - floor_; };
  const std::vector<double> means = means_by_electrons(read_noise, floor_);
  first_ = poisson_mean(means, 0).value;
  const auto steps = static_cast<std::size_t>((2 * std::sqrt(kMostElectrons + floor_) - first_) / kStep);
  last_ = first_ + static_cast<double>(steps) * kStep;
  double electrons = 0;
  for (std::size_t i = 0; i <= steps; ++i) {
    const double stabilised = first_ + static_cast<double>(i) * kStep;
    // From below, Newton's steps never go too far, because the mean is concave.
    for (int step = 0; i > 0 && step < 5; ++step) {
      const Mean mean = poisson_mean(means, electrons);
      electrons += (stabilised - mean.value) / mean.slope;
    }
    if (i == 1) slope_below_ = static_cast<float>(electrons / kStep);
    bias_.push_back(static_cast<float>(electrons - algebraic(stabilised)));
  }
}

void Anscombe::forward(const float* from, Index n, float* to) const {
  if (noise_.gain == 0) {
    for_each_eight(from, n, to, [&](Lanes v) { return (v - lanes(noise_.offset)) / lanes(noise_.read_noise); });
    return;
  }
  const Lanes electrons = lanes(1 / noise_.gain), shift = lanes(floor_ - noise_.offset / noise_.gain);
  for_each_eight(from, n, to, [&](Lanes v) {
    return lanes(2) * _mm256_sqrt_ps(_mm256_max_ps(v * electrons + shift, _mm256_setzero_ps()));
  });
}

void Anscombe::inverse(const float* from, Index n, float* to) const {
  if (noise_.gain == 0) {
    for_each_eight(from, n, to, [&](Lanes v) { return v * lanes(noise_.read_noise) + lanes(noise_.offset); });
    return;
  }
  const Lanes first = lanes(first_), last = lanes(last_), floor = lanes(floor_), end = lanes(bias_.size() - 2);
  // What is beyond 1/4 falls off as 1 / electrons.
  const Lanes rest = lanes((static_cast<double>(bias_.back()) - kAsymptoticBias) * last_ * last_);
  for_each_eight(from, n, to, [&](Lanes v) {
    const Lanes place = (v - first) * lanes(1 / kStep);
    const __m256i step = _mm256_cvttps_epi32(_mm256_min_ps(_mm256_max_ps(place, _mm256_setzero_ps()), end));
    const Lanes part = place - _mm256_cvtepi32_ps(step);
    const Lanes low = _mm256_i32gather_ps(bias_.data(), step, sizeof(float));
    const Lanes high = _mm256_i32gather_ps(bias_.data() + 1, step, sizeof(float));
    const Lanes squared = v * v;
    const Lanes bias = _mm256_blendv_ps(low + (high - low) * part, lanes(kAsymptoticBias) + rest / squared,
                                        _mm256_cmp_ps(v, last, _CMP_GE_OQ));
    const Lanes electrons = _mm256_blendv_ps(squared * lanes(0.25) - floor + bias, (v - first) * lanes(slope_below_),
                                             _mm256_cmp_ps(v, first, _CMP_LT_OQ));
    return electrons * lanes(noise_.gain) + lanes(noise_.offset);
  });
}

}  // namespace voxflow::shared
