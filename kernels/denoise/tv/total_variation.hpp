// The image nearest to a noisy one whose total variation is small (Rudin, Osher and Fatemi 1992), by the accelerated
// primal-dual iteration of Chambolle and Pock 2011, algorithm 2.
#pragma once
#include <vector>

#include "pipeline/sdk/block.hpp"

namespace voxflow::tv {

/// What is minimised: half the sum of (u - voxels)^2 plus `weight` times the sum of the gradient's lengths.
struct Problem {
  float weight = 0;
  std::array<float, 3> slopes{};  // z-y-x, of the gradient's components, for differences of neighbours
  int iterations = 0;
};

/// Iterates on `voxels` (raster order of `shape`), at whose faces the image goes on evenly, and puts the result in
/// their place. A voxel depends on those up to `iterations` from it, less and less. Nothing useful when cancelled.
void minimise(float* voxels, const Index3& shape, const Problem& problem, const Context& ctx);

/// Bytes that `minimise` takes beyond its arguments.
std::size_t minimise_bytes(const Index3& shape);

}  // namespace voxflow::tv
