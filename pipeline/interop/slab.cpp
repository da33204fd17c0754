#include "pipeline/interop/slab.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "pipeline/core/parallel.hpp"

namespace voxflow::interop {

namespace {
/// Copies the chunk `index` of the slab to `voxels`, zero outside of the volume.
void cut_chunk(const Slab& slab, const Grid& grid, const Index3& chunk, const Index3& index, std::size_t voxel_bytes,
               std::vector<unsigned char>& voxels) {
  const Index y0 = index[kY] * chunk[kY], x0 = index[kX] * chunk[kX];
  const Index3 inside{slab.depth, std::min(chunk[kY], grid.shape[kY] - y0), std::min(chunk[kX], grid.shape[kX] - x0)};
  voxels.resize(static_cast<std::size_t>(count(chunk)) * voxel_bytes);
  if (inside != chunk) std::fill(voxels.begin(), voxels.end(), 0);
  for (Index z = 0; z < inside[kZ]; ++z)
    for (Index y = 0; y < inside[kY]; ++y) {
      const Index from = (z * grid.shape[kY] + y0 + y) * grid.shape[kX] + x0, to = (z * chunk[kY] + y) * chunk[kX];
      std::memcpy(voxels.data() + static_cast<std::size_t>(to) * voxel_bytes,
                  slab.voxels + static_cast<std::size_t>(from) * voxel_bytes,
                  static_cast<std::size_t>(inside[kX]) * voxel_bytes);
    }
}
}  // namespace

void write_slabs(archive::ImageWriter& writer, const record::ImageInfo& info, std::span<const Slab> slabs,
                 DType storage) {
  const Index3 chunk = archive::chunk_shape(info.grid);
  const Index3 counts = archive::chunk_counts(info.grid);
  const auto per_slab = static_cast<std::size_t>(counts[kY] * counts[kX]);
  const auto index = [&](std::size_t i) {
    const auto n = static_cast<Index>(i % per_slab);
    return Index3{slabs[i / per_slab].first / chunk[kZ], n / counts[kX], n % counts[kX]};
  };
  std::vector<archive::EncodedChunk> encoded(slabs.size() * per_slab);
  for_each_in_parallel(encoded.size(), few_threads(), [&](std::size_t i) {
    thread_local std::vector<unsigned char> voxels;  // memory that is not asked for again for each chunk
    cut_chunk(slabs[i / per_slab], info.grid, chunk, index(i), size_bytes(info.dtype), voxels);
    encoded[i] = archive::encode_chunk(voxels.data(), static_cast<std::size_t>(count(chunk)), info.dtype, storage);
  });
  for (std::size_t i = 0; i < encoded.size(); ++i)
    writer.put(slabs[i / per_slab].t, slabs[i / per_slab].c, index(i), encoded[i]);
}

}  // namespace voxflow::interop
