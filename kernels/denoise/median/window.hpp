// The two exact ways to a median over a box: a selection network for small boxes, sliding rank counts for large ones.
#pragma once
#include "pipeline/sdk/kernel.hpp"

namespace voxflow::median {

/// Medians of every box of half-width `radius` (voxels, z-y-x): out(z, y, x) is that of the box whose first voxel is
/// in(z, y, x). `in` holds no NaN; the box has at least three voxels. Cost grows with the square of the box's voxels.
void select_medians(VolumeView<const float> in, const Index3& radius, VolumeView<float> out, const Context& ctx);

/// As select_medians, for boxes of any size and with NaN left out: of an even number of voxels the higher middle one is
/// taken, and a box of NaN alone gives NaN. Cost grows with the face of the box.
void rank_medians(VolumeView<const float> in, const Index3& radius, VolumeView<float> out, const Context& ctx);

/// Bytes that rank_medians allocates for an input of `voxels`.
std::size_t rank_bytes(std::size_t voxels);

}  // namespace voxflow::median
