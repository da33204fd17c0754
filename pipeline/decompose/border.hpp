// What a block sees around its core: which box it reads, and how the part outside the volume is filled.
#pragma once
#include <functional>

#include "pipeline/core/geometry.hpp"

namespace voxflow::decompose {

/// How the outside of a volume is filled. `clip`: not at all. `mirror`: reflected at the outermost voxels, which are
/// not repeated. `extend`: the outermost voxel repeated.
enum class Outside { clip, mirror, extend };

/// The box around `core` that an input of this border holds.
Box3 input_box(const Box3& core, const Halo& halo, Outside outside, const Index3& shape);

/// The coordinate inside [0, size) that stands for `i`, at any distance from the volume.
Index inside_index(Index i, Index size, Outside outside);

/// Copies a box that lies inside the volume to `to`, `stride` in voxels.
using BoxReader = std::function<void(const Box3& box, void* to, const Index3& stride)>;

/// Fills `to` with the voxels of `box`, dense, z-y-x; `voxel_bytes` is 1, 2 or 4. What lies inside the volume is read
/// once. With `clip` the box must lie inside.
void fill_box(const Box3& box, const Index3& shape, Outside outside, std::size_t voxel_bytes, const BoxReader& read,
              void* to);

}  // namespace voxflow::decompose
