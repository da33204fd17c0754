// The exact Euclidean distance transform of a mask with spacing.
#pragma once
#include "pipeline/sdk/block.hpp"

namespace voxflow::shared {

/// Stands for "no background anywhere" in a squared distance.
inline constexpr float kNoBackground = 1e30F;

/// Squared distance in um² of each voxel to the centre of the nearest voxel of 0; nothing is known outside the volume.
/// Separable lower envelopes of parabolas (Felzenszwalb and Huttenlocher, doi:10.4086/toc.2012.v008a019). The bits do
/// not depend on threads.
void squared_distance(VolumeView<const std::uint8_t> mask, const Spacing3& spacing, VolumeView<float> squared,
                      const Context& ctx);

/// Bytes that each thread of `squared_distance` needs at most.
std::size_t squared_distance_bytes(const Index3& shape);

}  // namespace voxflow::shared
