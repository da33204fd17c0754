// Values of an image between its voxels: linear, or by a cubic B-spline through the voxels.
#pragma once
#include <array>
#include <vector>

#include "pipeline/sdk/block.hpp"

namespace voxflow::interpolation {

enum class Kind { linear, cubic };

/// Coordinates this near to the volume's outermost voxels are on them; rounding must not push a voxel outside.
inline constexpr double kTolerance_voxels = 1e-6;

/// Voxels around the cell of a point that its value depends on.
Index reach(Kind kind);

/// What turns voxels into the coefficients of the B-spline through them, whole axes at once. Mirrors at the ends, so
/// that near an end that is not the volume's the coefficients are of no use.
void prefilter(VolumeView<float> voxels, const Context& ctx);

/// The voxels along one axis that a value is made of, and their weights.
struct Taps {
  bool inside = false;  // whether the volume has a value there at all
  int number = 0;
  std::array<Index, 4> at{};  // in voxels of the block
  std::array<float, 4> weight{};
};

/// Taps at coordinate `at` of an axis of `size` voxels, of which the block holds those from `origin` on. Beyond its
/// ends the volume is mirrored.
Taps taps(Kind kind, double at, Index size, Index origin);

}  // namespace voxflow::interpolation
