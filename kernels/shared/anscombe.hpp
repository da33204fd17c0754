// The generalised Anscombe transform, which gives photon noise with read noise a standard deviation of about 1, and its
// exact unbiased inverse (Mäkitalo and Foi 2013, doi:10.1109/TIP.2012.2202675).
#pragma once
#include <cstddef>
#include <vector>

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
  float forward(float intensity) const;
  /// The expected intensity whose noisy values have the mean `stabilised`; below the mean without light, which an
  /// estimate reaches by its own error, the inverse goes on in a straight line.
  float inverse(float stabilised) const;

 private:
  double algebraic(double stabilised) const { return stabilised * stabilised / 4 - floor_; }

  NoiseModel noise_;
  double floor_ = 0;                    // 3/8 + (read noise / gain)^2: stabilised = 2 sqrt(electrons + floor)
  float to_electrons_ = 0, shift_ = 0;  // forward: 2 sqrt(intensity * to_electrons + shift)
  double first_ = 0, last_ = 0;         // stabilised values that the table spans
  double first_slope_ = 0;              // electrons a stabilised unit at `first_`
  std::vector<float> bias_;             // electrons beyond the algebraic inverse, from `first_` in steps of kStep
};

}  // namespace voxflow::shared
