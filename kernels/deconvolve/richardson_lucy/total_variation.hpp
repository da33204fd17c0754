// Total variation as a factor of the Richardson-Lucy iteration (Dey et al. 2006, doi:10.1002/jemt.20294, equation 17).
#pragma once
#include <vector>

#include "kernels/shared/convolution.hpp"
#include "pipeline/core/geometry.hpp"

namespace voxflow::richardson_lucy {

/// For estimates of the first `shape` voxels of one layout.
class TotalVariation {
 public:
  /// Squared finest edge of a voxel over that along each axis; slopes, over the intensity, below which they count less;
  /// and what lies beneath the estimate.
  struct Scales {
    float z, y, x, flat, background;
  };

  /// `weight` is that of the variation, with lengths in the finest of the voxel's edges. `background` is what lies
  /// beneath the estimate: differences far below the light count as none.
  TotalVariation(const shared::Convolution& layout, const Index3& shape, double weight, double background,
                 const Spacing3& spacing);

  /// Goes through planes that follow one another, and keeps what the next one needs of the last.
  class Walk {
   public:
    explicit Walk(const TotalVariation& of);
    /// Makes of the plane z of `excess` a factor: 1 + excess, over 1 - weight * divergence of the estimate's direction
    /// of ascent there. Planes may come in any order; the next one after the last costs least.
    void divide(const shared::FftBuffer& estimate, Index z, const shared::FftBuffer& excess);

   private:
    // Of the row (z, y); those along y and x go into the members.
    void row_directions(const shared::FftBuffer& estimate, Index z, Index y, float* along_z);
    void find_below(const shared::FftBuffer& estimate, Index z);
    const TotalVariation& of_;
    std::vector<float> below_;  // direction along z of the plane before
    std::vector<float> along_z_, along_y_, before_y_, along_x_;
    Index plane_ = -1;
  };

 private:
  const shared::Convolution& layout_;
  Index3 shape_;
  float weight_;
  Scales scales_;
};

}  // namespace voxflow::richardson_lucy
