// Merging of labels across blocks: what is kept of each block's labels, and the numbers that they get in the whole
// volume.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/core/bytes.hpp"
#include "pipeline/core/volume_view.hpp"
#include "pipeline/decompose/block_grid.hpp"

namespace voxflow::decompose {

/// Labels in run-length form, short where they are mostly background or large objects.
std::string pack_labels(std::span<const std::uint32_t> labels);
/// Inverse of pack_labels. Throws InternalError when `bytes` does not hold exactly `labels.size()` labels.
void unpack_labels(std::string_view bytes, std::span<std::uint32_t> labels);

/// What merging needs to know of one block.
struct BlockLabels {
  /// Of each local label, 1 first: the raster index in the volume of its first voxel. Ascending.
  std::vector<std::uint64_t> first_voxels;
  /// Packed boundary planes: low z, high z, low y, high y, low x, high x; empty at the volume's faces.
  std::array<std::string, 6> planes;
  void encode(ByteWriter& out) const;
  static BlockLabels decode(ByteReader& in);
};

/// Renumbers the dense `labels` of `core` from 1 in raster order of each label's first voxel, and tells what merging
/// needs. Throws InternalError when a label is greater than the core's number of voxels.
BlockLabels describe_labels(const Box3& core, const Index3& shape, std::span<std::uint32_t> labels);

/// Which voxels across a block's boundary touch.
enum class Touching { faces = 6, edges = 18, corners = 26 };

/// The numbers of one volume's components.
struct MergedLabels {
  std::vector<std::vector<std::uint32_t>> of_block;  // of_block[b][local - 1]
  std::uint32_t count = 0;
};

/// Joins local labels that touch across blocks (blocks in the grid's order) and numbers the components from 1 in raster
/// order of their first voxels: what labelling the whole volume gives. Throws UserError above 2^32 - 2 local labels.
MergedLabels merge_labels(const BlockGrid& grid, Touching touching, std::span<const BlockLabels> blocks);

}  // namespace voxflow::decompose
