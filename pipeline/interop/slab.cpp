#include "pipeline/interop/slab.hpp"

#include <algorithm>
#include <cstring>

#include "pipeline/core/parallel.hpp"

namespace voxflow::interop {

namespace {
/// The chunk `index` of the slab, zero outside of the volume.
std::vector<unsigned char> cut_chunk(const Slab& slab, const Grid& grid, const Index3& chunk, const Index3& index,
                                     std::size_t voxel_bytes) {
  std::vector<unsigned char> voxels(static_cast<std::size_t>(count(chunk)) * voxel_bytes, 0);
  const Index y0 = index[kY] * chunk[kY], x0 = index[kX] * chunk[kX];
  const Index ny = std::min(chunk[kY], grid.shape[kY] - y0), nx = std::min(chunk[kX], grid.shape[kX] - x0);
  for (Index z = 0; z < slab.depth; ++z)
    for (Index y = 0; y < ny; ++y) {
      const Index from = (z * grid.shape[kY] + y0 + y) * grid.shape[kX] + x0, to = (z * chunk[kY] + y) * chunk[kX];
      std::memcpy(voxels.data() + static_cast<std::size_t>(to) * voxel_bytes,
                  slab.bytes.data() + static_cast<std::size_t>(from) * voxel_bytes,
                  static_cast<std::size_t>(nx) * voxel_bytes);
    }
  return voxels;
}
}  // namespace

void write_slab(archive::ImageWriter& writer, const record::ImageInfo& info, int t, int c, Index slab_index,
                const Slab& slab, DType storage) {
  const Index3 chunk = archive::chunk_shape(info.grid);
  const Index3 counts = archive::chunk_counts(info.grid);
  const auto n = static_cast<std::size_t>(counts[kY] * counts[kX]);
  const auto index = [&](std::size_t i) {
    return Index3{slab_index, static_cast<Index>(i) / counts[kX], static_cast<Index>(i) % counts[kX]};
  };
  std::vector<archive::EncodedChunk> encoded(n);
  for_each_in_parallel(n, few_threads(), [&](std::size_t i) {
    const auto voxels = cut_chunk(slab, info.grid, chunk, index(i), size_bytes(info.dtype));
    encoded[i] = archive::encode_chunk(voxels.data(), static_cast<std::size_t>(count(chunk)), info.dtype, storage);
  });
  for (std::size_t i = 0; i < n; ++i) writer.put(t, c, index(i), encoded[i]);
}

}  // namespace voxflow::interop
