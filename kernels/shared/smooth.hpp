// Gaussian smoothing of a whole volume in place.
#pragma once
#include "pipeline/sdk/block.hpp"

namespace voxflow::shared {

/// Convolves with a sampled Gaussian of `sigma_voxels` (z-y-x; 0 leaves an axis alone), cut behind 4 sigma; outside its
/// faces the volume is mirrored at its outermost voxels. The bits do not depend on threads.
void smooth(VolumeView<float> voxels, const std::array<double, 3>& sigma_voxels, const Context& ctx);

/// Bytes that each thread of `smooth` needs at most.
std::size_t smooth_bytes(const Index3& shape);

}  // namespace voxflow::shared
