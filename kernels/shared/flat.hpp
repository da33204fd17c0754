// Places without noise: padding, masked parts, clipped voxels.
#pragma once
#include <cstdint>
#include <vector>

#include "pipeline/core/geometry.hpp"
#include "pipeline/core/volume_view.hpp"

namespace voxflow::shared {

/// For every voxel of `core`, in raster order, 1 where all voxels of `image` up to `reach` from it have its intensity.
/// The image fills `box`, which holds the core with that reach around it, or ends with the volume.
std::vector<std::uint8_t> flat_voxels(VolumeView<const float> image, const Box3& box, const Box3& core,
                                      const Index3& reach);

/// Bytes that `flat_voxels` takes.
std::size_t flat_bytes(const Index3& extent);

}  // namespace voxflow::shared
