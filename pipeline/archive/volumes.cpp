#include "pipeline/archive/volumes.hpp"

#include <cstring>

#include <fmt/format.h>

#include "pipeline/archive/chunks.hpp"
#include "pipeline/archive/scratch.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::archive {

namespace {
Index3 packed(const Index3& shape) {
  return {shape[kY] * shape[kX], shape[kX], 1};
}

/// `box` as seen from `origin`.
Box3 seen_from(const Index3& origin, Box3 box) {
  for (std::size_t i = 0; i < 3; ++i) box.origin[i] -= origin[i];
  return box;
}

/// The first voxel of `part` in memory that holds `box`.
std::byte* place_of(const Box3& part, const Box3& box, void* to, const Index3& stride, std::size_t voxel_bytes) {
  const Index3 at = seen_from(box.origin, part).origin;
  const Index voxels = at[kZ] * stride[kZ] + at[kY] * stride[kY] + at[kX] * stride[kX];
  return static_cast<std::byte*>(to) + voxels * static_cast<Index>(voxel_bytes);
}

/// Copies `part` from a chunk to memory that holds `box`.
void copy_part(const Box3& part, const std::byte* chunk, const Box3& chunk_box, void* to, const Box3& box,
               const Index3& stride, std::size_t voxel_bytes) {
  const Box3 from = seen_from(chunk_box.origin, part);
  const auto row_bytes = static_cast<std::size_t>(part.extent[kX]) * voxel_bytes;
  std::byte* const first = place_of(part, box, to, stride, voxel_bytes);
  for (Index z = 0; z < part.extent[kZ]; ++z)
    for (Index y = 0; y < part.extent[kY]; ++y) {
      const Index row = ((from.origin[kZ] + z) * chunk_box.extent[kY] + from.origin[kY] + y) * chunk_box.extent[kX];
      std::memcpy(first + (z * stride[kZ] + y * stride[kY]) * static_cast<Index>(voxel_bytes),
                  chunk + (row + from.origin[kX]) * static_cast<Index>(voxel_bytes), row_bytes);
    }
}
}  // namespace

Volumes::Volumes(const std::filesystem::path& file, const hdf5::Handle& h5, const record::ImageInfo& info,
                 const std::vector<Level>& levels, DType storage, std::size_t cache_bytes)
    : file_(file), info_(info), levels_(levels), storage_(storage), cells_(h5, levels, storage), cache_(cache_bytes) {}

std::size_t Volumes::volume_number(int t, int c) const {
  return static_cast<std::size_t>(t) * static_cast<std::size_t>(info_.channel_count()) + static_cast<std::size_t>(c);
}

void Volumes::decode(std::size_t level, int t, int c, const Index3& at, const Box3& part, void* to,
                     const Index3& stride) {
  thread_local Scratch scratch;
  const Index3& chunk = levels_[level].chunk;
  try {
    const auto bytes = [&] {
      const hdf5::Lock lock;
      return hdf5::read_chunk(cells_.get(t, c, level), layout::chunk_origin(at, chunk), scratch);
    }();
    decode_part(bytes, chunk, storage_, info_.dtype, part, to, stride);
  } catch (Error& e) {
    e.add_context(fmt::format("{}: {}", file_.string(), layout::chunk_name(t, c, at, level)));
    throw;
  }
}

ChunkCache::Voxels Volumes::decoded(std::size_t level, int t, int c, const Index3& at) {
  std::size_t number = layout::chunk_number(at, levels_[level].counts);
  number += volume_number(t, c) * static_cast<std::size_t>(count(levels_[level].counts));
  for (std::size_t l = 0; l < level; ++l)
    number += static_cast<std::size_t>(info_.timepoints * info_.channel_count() * count(levels_[l].counts));
  if (auto held = cache_.find(number)) return held;
  const std::size_t size = static_cast<std::size_t>(count(levels_[level].chunk)) * size_bytes(info_.dtype);
  const auto voxels = std::make_shared_for_overwrite<std::byte[]>(size);
  const Index3& chunk = levels_[level].chunk;
  decode(level, t, c, at, {{0, 0, 0}, chunk}, voxels.get(), packed(chunk));
  cache_.add(number, voxels, size);
  return voxels;
}

void Volumes::read(std::size_t level, int t, int c, const Box3& box, void* to, const Index3& stride) {
  const Level& l = levels_[level];
  if (box.empty() || !contains(l.grid.box(), box) || stride[kX] != 1)
    throw InternalError(fmt::format(
        "'{}': the box to read is empty, outside the volume, or its rows are not contiguous", file_.string()));
  Index3 first, last;
  for (std::size_t i = 0; i < 3; ++i) {
    first[i] = box.origin[i] / l.chunk[i];
    last[i] = (box.end(i) - 1) / l.chunk[i];
  }
  for (Index z = first[kZ]; z <= last[kZ]; ++z)
    for (Index y = first[kY]; y <= last[kY]; ++y)
      for (Index x = first[kX]; x <= last[kX]; ++x) {
        const Box3 chunk_box{layout::chunk_origin({z, y, x}, l.chunk), l.chunk};
        const Box3 part = intersect(box, chunk_box);
        if (part == intersect(l.grid.box(), chunk_box)) {  // nobody comes back for the rest
          std::byte* const at = place_of(part, box, to, stride, size_bytes(info_.dtype));
          decode(level, t, c, {z, y, x}, seen_from(chunk_box.origin, part), at, stride);
          continue;
        }
        const auto voxels = decoded(level, t, c, {z, y, x});
        copy_part(part, voxels.get(), chunk_box, to, box, stride, size_bytes(info_.dtype));
      }
}

}  // namespace voxflow::archive
