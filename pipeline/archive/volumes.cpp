#include "pipeline/archive/volumes.hpp"

#include <cstring>

#include <fmt/format.h>

#include "pipeline/archive/chunks.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::archive {

namespace {
/// Copies `part` (in voxels of the volume) from a chunk to the box of `to`.
void copy_part(const Box3& part, const std::byte* chunk, const Box3& chunk_box, std::byte* to, const Box3& box,
               const Index3& stride, std::size_t voxel_bytes) {
  const auto row_bytes = static_cast<std::size_t>(part.extent[kX]) * voxel_bytes;
  const Index from_x = part.origin[kX] - chunk_box.origin[kX], to_x = part.origin[kX] - box.origin[kX];
  for (Index z = part.origin[kZ]; z < part.end(kZ); ++z)
    for (Index y = part.origin[kY]; y < part.end(kY); ++y) {
      const Index from =
          ((z - chunk_box.origin[kZ]) * chunk_box.extent[kY] + y - chunk_box.origin[kY]) * chunk_box.extent[kX] +
          from_x;
      const Index at = (z - box.origin[kZ]) * stride[kZ] + (y - box.origin[kY]) * stride[kY] + to_x;
      std::memcpy(to + at * static_cast<Index>(voxel_bytes), chunk + from * static_cast<Index>(voxel_bytes), row_bytes);
    }
}
}  // namespace

Volumes::Volumes(const std::filesystem::path& file, const hdf5::Handle& h5, const record::ImageInfo& info,
                 const std::vector<Level>& levels, DType storage, std::size_t cache_bytes)
    : file_(file), info_(info), levels_(levels), storage_(storage), cells_(h5, levels, storage), cache_(cache_bytes) {}

std::size_t Volumes::volume_number(int t, int c) const {
  return static_cast<std::size_t>(t) * static_cast<std::size_t>(info_.channel_count()) + static_cast<std::size_t>(c);
}

std::vector<std::uint8_t> Volumes::stored_bytes(std::size_t level, int t, int c, const Index3& chunk) {
  const hdf5::Lock lock;
  return hdf5::read_chunk(cells_.get(t, c, level), layout::chunk_origin(chunk, levels_[level].chunk));
}

void Volumes::decode(std::size_t level, int t, int c, const Index3& at, void* voxels) {
  try {
    const auto bytes = stored_bytes(level, t, c, at);
    decode_chunk(bytes.data(), bytes.size(), static_cast<std::size_t>(count(levels_[level].chunk)), storage_,
                 info_.dtype, voxels);
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
  decode(level, t, c, at, voxels.get());
  cache_.add(number, voxels, size);
  return voxels;
}

void Volumes::read(std::size_t level, int t, int c, const Box3& box, void* to, const Index3& stride) {
  const Level& l = levels_[level];
  if (box.empty() || !contains(l.grid.box(), box) || stride[kX] != 1)
    throw InternalError(fmt::format(
        "'{}': the box to read is empty, outside the volume, or its rows are not contiguous", file_.string()));
  const Index3 packed{l.chunk[kY] * l.chunk[kX], l.chunk[kX], 1};
  Index3 first, last;
  for (std::size_t i = 0; i < 3; ++i) {
    first[i] = box.origin[i] / l.chunk[i];
    last[i] = (box.end(i) - 1) / l.chunk[i];
  }
  for (Index z = first[kZ]; z <= last[kZ]; ++z)
    for (Index y = first[kY]; y <= last[kY]; ++y)
      for (Index x = first[kX]; x <= last[kX]; ++x) {
        const Box3 chunk_box{layout::chunk_origin({z, y, x}, l.chunk), l.chunk};
        if (box == chunk_box && stride == packed) return decode(level, t, c, {z, y, x}, to);
        const auto voxels = decoded(level, t, c, {z, y, x});
        copy_part(intersect(box, chunk_box), voxels.get(), chunk_box, static_cast<std::byte*>(to), box, stride,
                  size_bytes(info_.dtype));
      }
}

}  // namespace voxflow::archive
