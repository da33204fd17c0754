// Periodic convolutions of whole volumes in single precision, in passes over planes and over rows of columns: a caller
// works on a plane while it is in the cache, and deals planes to threads as it likes.
#pragma once
#include <complex>
#include <memory>

#include "kernels/shared/fft.hpp"

namespace voxflow::shared {

enum class Direction { plain, adjoint };

/// Plans and layout for volumes of one shape. Each plane and row is transformed alone, so the bits do not depend on
/// who does it when. Thread-safe.
class Convolution {
 public:
  explicit Convolution(const Index3& shape);
  const Index3& shape() const { return shape_; }
  /// Floats from one row to the next; a multiple of 16.
  Index pitch() const { return pitch_; }
  /// Complex numbers of one row's spectrum, those that fill the row up among them.
  Index columns() const { return pitch_ / 2; }
  /// Memory for one volume; or for a spectrum, which is ordered y, z, x. Not initialised.
  FftBuffer buffer() const { return FftBuffer(layout_of(shape_)); }
  float* row(const FftBuffer& volume, Index z, Index y) const { return volume.data() + (z * shape_[kY] + y) * pitch_; }
  std::complex<float>* spectrum_row(const FftBuffer& spectrum, Index z, Index y) const {
    return spectrum.spectrum() + (y * shape_[kZ] + z) * columns();
  }

  /// Between voxels and the spectrum along y and x; backward multiplies by the number of voxels of a plane.
  void forward_plane(const FftBuffer& volume, Index z) const;
  void backward_plane(const FftBuffer& volume, Index z) const;

  /// Room for the columns that one thread works on.
  class Columns;
  /// What planes in the spectrum along y and x become by the filter `spectrum` (or by its adjoint, the filter mirrored)
  /// along all axes, for one y; multiplies by the number of planes.
  void filter_row(const FftBuffer& volume, Index y, const FftBuffer& spectrum, Direction direction,
                  const Columns& columns) const;
  /// From the spectrum along y and x of a volume to that along all axes, and back, for one y; back multiplies by the
  /// number of planes.
  void spectrum_along_z(const FftBuffer& volume, Index y, const FftBuffer& spectrum, const Columns& columns) const;
  void volume_along_z(const FftBuffer& spectrum, Index y, const FftBuffer& volume, const Columns& columns) const;

  /// Bytes of a buffer() for a volume of that shape, and of a Columns.
  static std::size_t buffer_bytes(const Index3& shape) { return fft_bytes(layout_of(shape)); }
  static std::size_t columns_bytes(const Index3& shape);

 private:
  struct Plans;
  static Index3 layout_of(const Index3& shape);
  void up(const FftBuffer& volume, Index y, Index first, Index n, const Columns& columns) const;
  void down(const FftBuffer& volume, Index y, Index first, Index n, const Columns& columns) const;

  Index3 shape_;
  Index pitch_;
  std::shared_ptr<const Plans> plans_;
};

class Convolution::Columns {
 public:
  explicit Columns(const Convolution& of);

 private:
  friend class Convolution;
  FftBuffer data_;
};

}  // namespace voxflow::shared
