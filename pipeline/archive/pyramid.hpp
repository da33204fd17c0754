// The smaller copies of a volume that let a viewer open it at once.
#pragma once
#include <vector>

#include "pipeline/record/image_info.hpp"

namespace voxflow::archive {

/// One copy. Voxel i of an axis covers the volume's voxels i * factor up to (i + 1) * factor of that axis; voxels that
/// are left over at the end are in no voxel of the copy, as in BigDataViewer's own exports.
struct Level {
  Index3 factors{1, 1, 1};
  Grid grid;
  Index3 chunk{}, counts{};  // as chunk_shape and chunk_counts of that grid
  Index3 steps{1, 1, 1};     // factors relative to the level before
};

/// Level 0 is the volume. Each further one halves y and x, and z as soon as z is less than twice as coarse as x, until
/// no axis has more than 256 voxels.
std::vector<Level> pyramid_levels(const Grid& grid);

/// How several voxels become one.
enum class Reduction {
  mean,  // rounded half up for integers; of the finite ones for floats, NaN where there is none
  mode   // the most frequent; of equally frequent ones the smallest that is not 0: a copy holds only labels that are
         // there
};
Reduction reduction_of(record::ImageKind kind);

/// Shrinks a dense box of shape `from_shape` by `steps` (1 or 2 an axis) to the first `to_shape` voxels of a dense box
/// of shape `to_whole`; `to_shape` is no larger than from_shape / steps, or 1 where that is 0.
void reduce(const void* from, const Index3& from_shape, const Index3& steps, DType dtype, Reduction reduction, void* to,
            const Index3& to_shape, const Index3& to_whole);

}  // namespace voxflow::archive
