// Where patches lie along the axes of a volume: on a lattice that begins at its first voxel, whatever block is worked
// on.
#pragma once
#include <algorithm>
#include <array>

#include "pipeline/core/geometry.hpp"

namespace voxflow::dct {

/// z-y-x; a volume that is thinner has patches as thick as itself.
inline constexpr Index3 kLargestPatch{4, 8, 8};

/// The patches along one axis: every `step` voxels, and one that ends with the volume.
class PatchAxis {
 public:
  PatchAxis(Index volume, Index largest, Index step)
      : length_(std::min(volume, largest)), last_(volume - length_), step_(step) {}
  Index length() const { return length_; }
  /// First voxel of the first patch that reaches beyond `voxel`.
  Index first_over(Index voxel) const {
    return std::min(last_, (std::max<Index>(0, voxel - length_ + 1) + step_ - 1) / step_ * step_);
  }
  /// Of the patch behind the one at `patch`; beyond the volume after the last.
  Index next(Index patch) const { return patch == last_ ? last_ + step_ : std::min(patch + step_, last_); }
  bool is_patch(Index patch) const { return patch <= last_; }

 private:
  Index length_, last_, step_;
};

using PatchLattice = std::array<PatchAxis, 3>;

inline PatchLattice patch_lattice(const Index3& volume, const Index3& steps) {
  return {PatchAxis(volume[kZ], kLargestPatch[kZ], steps[kZ]), PatchAxis(volume[kY], kLargestPatch[kY], steps[kY]),
          PatchAxis(volume[kX], kLargestPatch[kX], steps[kX])};
}

}  // namespace voxflow::dct
