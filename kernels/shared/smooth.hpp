// Symmetric filters along the axes of a whole volume, in place.
#pragma once
#include <vector>

#include "pipeline/sdk/block.hpp"

namespace voxflow::shared {

/// Convolves with a sampled Gaussian of `sigma_voxels` (z-y-x; 0 leaves an axis alone), cut behind 4 sigma; outside its
/// faces the volume is mirrored at its outermost voxels. The bits do not depend on threads.
void smooth(VolumeView<float> voxels, const std::array<double, 3>& sigma_voxels, const Context& ctx);

/// Convolves with weights of distance 0, 1, ... along each axis (z-y-x; none leave an axis alone, and so does an axis
/// of one voxel); otherwise as `smooth`.
void convolve(VolumeView<float> voxels, const std::array<std::vector<float>, 3>& weights, const Context& ctx);

/// Bytes that each thread of `smooth` or `convolve` needs at most.
std::size_t smooth_bytes(const Index3& shape);

}  // namespace voxflow::shared
