// The generalised Anscombe transform, which gives photon noise with read noise a standard deviation of about 1, and its
// exact unbiased inverse (Mäkitalo and Foi 2013, doi:10.1109/TIP.2012.2202675).
#pragma once
#include <vector>

#include "pipeline/core/geometry.hpp"

namespace voxflow::shared {

/// intensity = gain * electrons + offset, with noise of standard deviation `read_noise`; all in intensities. With a
/// gain of 0 the noise is the same everywhere.
struct NoiseModel {
  double gain = 1, offset = 0, read_noise = 0;
  /// Variance of the noise where `intensity` is expected.
  double variance(double intensity) const { return gain * (intensity - offset) + read_noise * read_noise; }
};

/// The transform for one noise model. Thread-safe.
class Anscombe {
 public:
  /// Gain and read noise are at least 0, and not both are 0. Throws InternalError otherwise.
  explicit Anscombe(const NoiseModel& noise);
  /// Stabilises `n` intensities; `from` and `to` may be the same.
  void forward(const float* from, Index n, float* to) const;
  /// The expected intensities whose noisy values have these means when stabilised; below the mean without light, which
  /// an estimate reaches by its own error, the inverse goes on in a straight line. `from` and `to` may be the same.
  void inverse(const float* from, Index n, float* to) const;

 private:
  NoiseModel noise_;
  double floor_ = 0;             // 3/8 + (read noise / gain)^2: stabilised = 2 sqrt(electrons + floor)
  double first_ = 0, last_ = 0;  // stabilised values that the table spans
  float slope_below_ = 0;        // electrons a stabilised unit below `first_`
  std::vector<float> bias_;      // electrons beyond the algebraic inverse, from `first_` on in equal steps
};

}  // namespace voxflow::shared
