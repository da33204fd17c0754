#include "pipeline/archive/chunks.hpp"

namespace voxflow::archive {

Index3 chunk_shape(const Grid& grid) {
  const bool plane = grid.shape[kZ] == 1;
  const bool near_isotropic = grid.spacing[kZ].value < 2 * grid.spacing[kX].value;
  Index3 shape = plane ? Index3{1, 512, 512} : near_isotropic ? Index3{64, 64, 64} : Index3{32, 128, 128};
  for (std::size_t i = 0; i < 3; ++i) shape[i] = std::min(shape[i], grid.shape[i]);
  return shape;
}

Index3 chunk_counts(const Grid& grid) {
  const Index3 shape = chunk_shape(grid);
  Index3 counts;
  for (std::size_t i = 0; i < 3; ++i) counts[i] = (grid.shape[i] + shape[i] - 1) / shape[i];
  return counts;
}

}  // namespace voxflow::archive
