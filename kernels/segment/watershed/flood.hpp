// Parts of a mask, and basins of a landscape, of one whole volume.
#pragma once
#include <cstdint>
#include <vector>

#include "pipeline/sdk/block.hpp"

namespace voxflow::watershed {

/// Sets to `1 - value` every part of voxels of `value` (0 or 1) that has fewer than `least_voxels`; parts of 0 hold
/// together by faces and those of 1 by corners. Holes at the volume's faces stay, for they may be larger outside.
void drop_small_parts(VolumeView<std::uint8_t> mask, std::uint8_t value, double least_voxels, const Context& ctx);

/// Labels each voxel of the mask with its basin, 1, 2, ... in no order to rely on. Voxels are taken from high to low,
/// of equal ones the first in raster order first, and join the highest neighbour taken before. Two basins that meet at
/// a height above `1 - depth` times the lower one's peak become one. Returns the largest label.
std::uint32_t label_basins(VolumeView<const float> height, VolumeView<const std::uint8_t> mask, double depth,
                           VolumeView<std::uint32_t> labels, const Context& ctx);

/// Removes labels (1 to `last`) of fewer than `least_voxels` voxels and, if so wanted, those that touch a face of the
/// volume (the z faces of a single plane do not count), and numbers the others 1, 2, ... in raster order of their first
/// voxel.
void keep_objects(VolumeView<std::uint32_t> labels, std::uint32_t last, double least_voxels, bool keep_at_faces,
                  const Context& ctx);

/// Bytes that the functions above need at most, one after the other.
std::size_t flood_bytes(const Index3& shape);

}  // namespace voxflow::watershed
