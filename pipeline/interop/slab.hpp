// Planes on their way into the archive; private to this room.
#pragma once
#include <vector>

#include "pipeline/archive/image_file.hpp"

namespace voxflow::interop {

/// Planes of one chunk's depth, all voxels of y and x.
struct Slab {
  Index depth = 0;
  std::vector<unsigned char> bytes;
};

/// Stores the slab's chunks, encoded on a few threads; `slab_index` counts chunks along z. `storage` is the voxel type
/// on disk.
void write_slab(archive::ImageWriter& writer, const record::ImageInfo& info, int t, int c, Index slab_index,
                const Slab& slab, DType storage);

}  // namespace voxflow::interop
