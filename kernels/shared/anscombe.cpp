#include "kernels/shared/anscombe.hpp"

#include <algorithm>
#include <cmath>

#include "pipeline/core/error.hpp"

namespace voxflow::shared {

namespace {
constexpr double kStep = 1.0 / 16;      // of stabilised values, in the table
constexpr double kMostElectrons = 200;  // beyond, the bias is 1/4 up to 1e-3
constexpr double kAsymptoticBias = 0.25;
constexpr double kReach_sd = 8;  // of the read noise

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
  to_electrons_ = static_cast<float>(1 / noise.gain);
  shift_ = static_cast<float>(floor_ - noise.offset / noise.gain);
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
    bias_.push_back(static_cast<float>(electrons - algebraic(stabilised)));
  }
  first_slope_ = (static_cast<double>(bias_[1]) + algebraic(first_ + kStep)) / kStep;
}

float Anscombe::forward(float intensity) const {
  if (noise_.gain == 0) return static_cast<float>((static_cast<double>(intensity) - noise_.offset) / noise_.read_noise);
  return 2 * std::sqrt(std::max(intensity * to_electrons_ + shift_, 0.0F));
}

float Anscombe::inverse(float stabilised) const {
  const double at = stabilised;
  if (noise_.gain == 0) return static_cast<float>(at * noise_.read_noise + noise_.offset);
  double electrons = 0;
  if (at < first_) {
    electrons = (at - first_) * first_slope_;
  } else if (at >= last_) {
    // What is beyond 1/4 falls off as 1 / electrons.
    const double rest = static_cast<double>(bias_.back()) - kAsymptoticBias;
    electrons = algebraic(at) + kAsymptoticBias + rest * (last_ * last_) / (at * at);
  } else {
    const double place = (at - first_) / kStep;
    const auto i = std::min(static_cast<std::size_t>(place), bias_.size() - 2);
    const double part = place - static_cast<double>(i);
    electrons = algebraic(at) + static_cast<double>(bias_[i]) * (1 - part) + static_cast<double>(bias_[i + 1]) * part;
  }
  return static_cast<float>(electrons * noise_.gain + noise_.offset);
}

}  // namespace voxflow::shared
