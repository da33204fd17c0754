// Reads an image of the archive in parts of whole rows; private to this room.
#pragma once
#include <cstddef>
#include <vector>

#include "pipeline/archive/image_file.hpp"

namespace voxflow::interop {

/// Extent of the bands in which a volume is read: whole rows, `row_step` or a multiple of it at a time, chunks where
/// they fit into memory.
Index3 band_extent(const record::ImageInfo& info, Index row_step);

/// Reads a box of whole rows at a level, columns of chunks at the same time.
void read_band(const archive::ImageReader& reader, int t, int c, const Box3& box, std::vector<std::byte>& to,
               std::size_t level = 0);

/// Calls f(t, c, box, voxels) for all of the image.
template <class F>
void for_each_band(const archive::ImageReader& reader, Index row_step, F&& f) {
  const record::ImageInfo& info = reader.info();
  const Index3 band = band_extent(info, row_step), shape = info.grid.shape;
  std::vector<std::byte> voxels;
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c)
      for (Index z = 0; z < shape[kZ]; z += band[kZ])
        for (Index y = 0; y < shape[kY]; y += band[kY]) {
          const Box3 box = intersect({{z, y, 0}, band}, info.grid.box());
          read_band(reader, t, c, box, voxels);
          f(t, c, box, voxels);
        }
}

}  // namespace voxflow::interop
