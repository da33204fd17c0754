// Places without noise: padding, masked parts, clipped voxels.
#pragma once
#include <vector>

#include "kernels/denoise/dct/patches.hpp"
#include "pipeline/sdk/block.hpp"

namespace voxflow::dct {

/// For every voxel of `core`, in raster order, 1 where all voxels of `image` that a patch can share with it have its
/// intensity. The image fills `box`, which holds the core with a patch around it, or ends with the volume.
std::vector<std::uint8_t> flat_voxels(VolumeView<const float> image, const Box3& box, const Box3& core);

/// Bytes that `flat_voxels` takes.
std::size_t flat_bytes(const Index3& extent);

}  // namespace voxflow::dct
