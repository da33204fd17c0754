// Random numbers that are the same on every machine and with every standard library.
#pragma once
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

namespace voxflow::phantom {

/// SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2714064.2660195); streams of one seed are independent of each
/// other.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : state_(mix(seed + kStep * (stream + 1))) {}

  std::uint64_t bits() { return mix(state_ += kStep); }
  /// In [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Mean 0, variance 1 (Box and Muller 1958, doi:10.1214/aoms/1177706645).
  double normal() {
    if (std::exchange(has_spare_, false)) return spare_;
    const double r = std::sqrt(-2 * std::log(1 - uniform())), angle = 2 * std::numbers::pi * uniform();
    spare_ = r * std::sin(angle), has_spare_ = true;
    return r * std::cos(angle);
  }
  /// Exact, by inversion; a large mean is the sum of small ones.
  double poisson(double mean) {
    double n = 0;
    for (; mean > kInversionMean; mean -= kInversionMean) n += poisson_by_inversion(kInversionMean);
    return n + poisson_by_inversion(mean);
  }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15U;
  static constexpr double kInversionMean = 200;  // exp(-200) is far from the smallest double

  static std::uint64_t mix(std::uint64_t v) {
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9U;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebU;
    return v ^ (v >> 31);
  }
  double poisson_by_inversion(double mean) {
    const double u = uniform();
    double n = 0, p = std::exp(-mean), sum = p;
    while (u > sum && p > 0) {
      ++n;
      p *= mean / n;
      sum += p;
    }
    return n;
  }

  std::uint64_t state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace voxflow::phantom
