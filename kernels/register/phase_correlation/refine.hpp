// The sub-voxel shift near a whole-voxel one: normalised cross-correlation by an upsampled Fourier transform.
#pragma once
#include "kernels/register/phase_correlation/match.hpp"

namespace voxflow::phase_correlation {

/// The best shift at most kRefineReach voxels from `near` along each axis, and its score. Axes with largest[axis] = 0
/// stay as they are.
Match refine(VolumeView<const float> fixed, VolumeView<const float> moving, const Index3& near, const Index3& largest,
             const Context& ctx);

inline constexpr Index kRefineReach = 2;

/// Memory that `refine` needs at most.
std::size_t refine_bytes(const Index3& shape);

}  // namespace voxflow::phase_correlation
