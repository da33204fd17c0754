// Real 3-D Fourier transforms in single precision.
#pragma once
#include <complex>
#include <memory>

#include "pipeline/core/geometry.hpp"

namespace voxflow::shared {

/// The smallest size of at least `n` that is a product of 2, 3, 5 and 7, which FFTW transforms fast.
Index fast_size(Index n);
Index3 fast_shape(const Index3& shape);

/// Floats that a volume and its spectrum take: a row of nx voxels is followed by the padding up to 2 (nx / 2 + 1).
constexpr Index3 spectrum_layout(const Index3& shape) {
  return {shape[kZ], shape[kY], 2 * (shape[kX] / 2 + 1)};
}
std::size_t fft_bytes(const Index3& shape);

/// Memory for one volume or its spectrum, aligned so that FFTW takes the same way through every one. Not initialised.
class FftBuffer {
 public:
  explicit FftBuffer(const Index3& shape);
  float* data() const { return data_.get(); }
  std::complex<float>* spectrum() const { return reinterpret_cast<std::complex<float>*>(data_.get()); }
  float* row(Index z, Index y) const { return data_.get() + (z * layout_[kY] + y) * layout_[kX]; }
  /// Floats, the padding of rows included.
  std::size_t size() const { return static_cast<std::size_t>(count(layout_)); }
  void fill(float value) const;

 private:
  struct Free {
    void operator()(float* p) const;
  };
  Index3 layout_;
  std::unique_ptr<float, Free> data_;
};

/// Both directions for volumes of one shape, in place and not normalised: backward(forward(v)) is v times the number of
/// voxels. Plans are estimated, not measured, so that the same machine always computes the same bits. Thread-safe.
class Fft {
 public:
  explicit Fft(const Index3& shape);
  const Index3& shape() const { return shape_; }
  void forward(const FftBuffer& buffer) const;
  void backward(const FftBuffer& buffer) const;

 private:
  struct Plans;
  Index3 shape_;
  std::shared_ptr<const Plans> plans_;
};

}  // namespace voxflow::shared
