// Both stages of the filter on stabilised voxels: what of each patch's spectrum is noise is taken away, and the patches
// that hold a voxel are averaged.
#pragma once
#include <memory>
#include <vector>

#include "kernels/denoise/dct/patches.hpp"
#include "pipeline/sdk/block.hpp"

namespace voxflow::dct {

/// Floats of one box, each row with room behind it, 0 at first, so that eight floats can be read from every voxel.
class Voxels {
 public:
  explicit Voxels(const Box3& box);
  static std::size_t bytes(const Index3& extent);
  const Box3& box() const { return box_; }
  /// The row (z, y), in coordinates of the volume, from its voxel x on.
  float* row(Index z, Index y, Index x) { return voxels_.data() + offset(z, y, x); }
  const float* row(Index z, Index y, Index x) const { return voxels_.data() + offset(z, y, x); }

 private:
  std::size_t offset(Index z, Index y, Index x) const {
    return static_cast<std::size_t>((z - box_.origin[kZ]) * plane_ + (y - box_.origin[kY]) * stride_ +
                                    (x - box_.origin[kX]));
  }
  Box3 box_;
  Index stride_, plane_;
  std::vector<float> voxels_;
};

/// What is done to spectra.
struct Shrinkage {
  Index3 steps;         // between patches
  float threshold = 0;  // without a pilot: coefficients below become 0
  float noise = 0;      // with one: its energy is taken for the signal's, beside this of the noise
};

/// Filters `noisy`, of standard deviation 1, for the voxels of `wanted`; those of all patches that touch it must be in
/// the box of `noisy`, and of the pilot, the result of an earlier stage, if there is one. `volume`: shape of the whole
/// volume, by which patches lie. Every voxel gets the same bits whatever `wanted` is. Nothing useful when cancelled.
Voxels shrink(const Voxels& noisy, const Voxels* pilot, const Shrinkage& shrinkage, const Index3& volume,
              const Box3& wanted, const Context& ctx);

/// Bytes that `shrink` takes beyond its arguments, its result among them.
std::size_t shrink_bytes(const Index3& extent);

}  // namespace voxflow::dct
