// Planes on their way into the archive; private to this room.
#pragma once
#include <span>

#include "pipeline/archive/image_file.hpp"

namespace voxflow::interop {

/// Planes of one chunk's depth of volume (t, c), all voxels of y and x; `first` is a multiple of that depth.
struct Slab {
  int t = 0, c = 0;
  Index first = 0, depth = 0;
  const unsigned char* voxels = nullptr;
};

/// Stores the slabs' chunks, encoded on a few threads. `storage` is the voxel type on disk.
void write_slabs(archive::ImageWriter& writer, const record::ImageInfo& info, std::span<const Slab> slabs,
                 DType storage);

}  // namespace voxflow::interop
