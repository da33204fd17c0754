// The block grid: how a volume is cut into cores, what each needs around it, and who computes it.
#pragma once
#include <array>
#include <vector>

#include "pipeline/core/geometry.hpp"

namespace voxflow::decompose {

/// Cores that cover a volume without overlap, in raster order. A function of shape, chunk and halo alone (or of a keyed
/// wish), never of memory or ranks.
class BlockGrid {
 public:
  /// Core shape: whole chunks, at least twice the halo, and of those within `wanted` voxels the one whose blocks read
  /// the fewest. Where they would read half as many again as there are, twice or four times as many voxels are allowed.
  static Index3 core_shape(const Index3& shape, const Index3& chunk, const Halo& halo, Index wanted);

  /// `core` must be a multiple of `chunk` on every axis, or cover the shape there. An edge core thinner than the halo
  /// joins its neighbour. Throws UserError otherwise.
  BlockGrid(const Index3& shape, const Index3& chunk, const Index3& core, const Halo& halo);

  const std::vector<Box3>& cores() const { return cores_; }
  const Index3& counts() const { return counts_; }
  const Index3& shape() const { return shape_; }
  /// First voxels of the cores along one axis, then the volume's end there.
  const std::vector<Index>& cuts(std::size_t axis) const { return cuts_[axis]; }
  /// Largest core of the grid, for memory estimates.
  Index3 largest_core() const;

 private:
  std::vector<Box3> cores_;
  std::array<std::vector<Index>, 3> cuts_;
  Index3 shape_{}, counts_{};
};

/// Blocks are dealt round robin: those of `rank` among `blocks`, block i belonging to rank i % ranks.
std::vector<std::size_t> dealt(std::size_t blocks, int rank, int ranks);

}  // namespace voxflow::decompose
