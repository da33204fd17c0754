#include "pipeline/interop/ome_tiles.hpp"

#include <algorithm>
#include <cstring>

#include "pipeline/archive/deflate.hpp"
#include "pipeline/archive/pyramid.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/interop/tiff_layout.hpp"

namespace voxflow::interop {

namespace {
constexpr Index kTile = 256, kSmallEnough = 256;
constexpr Index3 kSteps{1, 2, 2};

/// Each voxel less the one before it in its row: TIFF's predictor 2.
template <class T>
void subtract_neighbours(T* row, Index n) {
  for (Index x = n - 1; x > 0; --x) row[x] = static_cast<T>(row[x] - row[x - 1]);
}

template <class T>
void add_neighbours(T* row, Index n) {
  for (Index x = 1; x < n; ++x) row[x] = static_cast<T>(row[x] + row[x - 1]);
}

/// Calls f(row, voxels) for every row of a tile of whole numbers, as their own type.
template <class F>
void for_each_row(DType dtype, Bytes8& tile, const Index3& shape, F&& f) {
  visit_dtype(dtype, [&]<class T>(T*) {
    if constexpr (!std::is_floating_point_v<T>)
      for (Index y = 0; y < shape[kY]; ++y) f(reinterpret_cast<T*>(tile.data()) + y * shape[kX], shape[kX]);
  });
}

/// Copies the part of `from`, a box that begins at (y0, x0), that lies in `to`.
void copy_part(const Bytes8& from, const Box3& from_box, Bytes8& to, const Box3& to_box, std::size_t voxel_bytes) {
  const Box3 part = intersect(from_box, to_box);
  if (part.empty()) return;
  const auto offset = [&](const Box3& box, Index y) {
    return static_cast<std::size_t>((y - box.origin[kY]) * box.extent[kX] + part.origin[kX] - box.origin[kX]) *
           voxel_bytes;
  };
  for (Index y = part.origin[kY]; y < part.end(kY); ++y)
    std::memcpy(to.data() + offset(to_box, y), from.data() + offset(from_box, y),
                static_cast<std::size_t>(part.extent[kX]) * voxel_bytes);
}
}  // namespace

std::vector<TileLevel> tile_levels(const TiffStack& stack) {
  std::vector<TileLevel> levels;
  Index3 shape{1, stack.shape[kY], stack.shape[kX]};
  for (;;) {
    TileLevel level;
    level.shape = shape;
    for (const std::size_t axis : {kY, kX}) level.tile[axis] = std::min(kTile, (shape[axis] + 15) / 16 * 16);
    level.down = (shape[kY] + level.tile[kY] - 1) / level.tile[kY];
    level.across = (shape[kX] + level.tile[kX] - 1) / level.tile[kX];
    levels.push_back(level);
    if (std::max(shape[kY], shape[kX]) <= kSmallEnough) return levels;
    for (const std::size_t axis : {kY, kX}) shape[axis] = std::max<Index>(shape[axis] / kSteps[axis], 1);
  }
}

OmeTiles::OmeTiles(const TiffStack& stack, OutputFile& out, std::uint64_t begin)
    : stack_(stack), out_(out), levels_(tile_levels(stack)), end_(begin) {
  for (const TileLevel& level : levels_) stored_.emplace_back(plane_count(stack) * level.tiles());
}

void OmeTiles::write(int t, int c, const Box3& box, const void* voxels) {
  const TileLevel& level = levels_.front();
  const Index rows = (box.extent[kY] + level.tile[kY] - 1) / level.tile[kY];
  const auto tiles = static_cast<std::size_t>(box.extent[kZ] * rows * level.across);
  std::vector<Bytes8> encoded(tiles);
  const auto place = [&](std::size_t i) {
    const auto n = static_cast<Index>(i);
    return Index3{n / (rows * level.across), n / level.across % rows, n % level.across};
  };
  for_each_in_parallel(tiles, few_threads(),
                       [&](std::size_t i) { encoded[i] = encode(cut(voxels, box.extent, place(i)), level.tile); });
  for (std::size_t i = 0; i < tiles; ++i) {
    const Index3 at = place(i);
    store(0, plane_number(stack_, t, c, box.origin[kZ] + at[kZ]),
          (box.origin[kY] / level.tile[kY] + at[kY]) * level.across + at[kX], encoded[i]);
  }
}

void OmeTiles::make_levels() {
  constexpr std::size_t kAtOnce = 64;
  for (std::size_t level = 1; level < levels_.size(); ++level) {
    const std::uint64_t tiles = levels_[level].tiles(), all = plane_count(stack_) * tiles;
    for (std::uint64_t first = 0; first < all; first += kAtOnce) {
      std::vector<Bytes8> encoded(static_cast<std::size_t>(std::min<std::uint64_t>(kAtOnce, all - first)));
      for_each_in_parallel(encoded.size(), few_threads(), [&](std::size_t i) {
        encoded[i] =
            encode(shrunk(level, (first + i) / tiles, static_cast<Index>((first + i) % tiles)), levels_[level].tile);
      });
      for (std::size_t i = 0; i < encoded.size(); ++i)
        store(level, (first + i) / tiles, static_cast<Index>((first + i) % tiles), encoded[i]);
    }
  }
}

std::vector<std::uint64_t> OmeTiles::places(std::size_t level, std::uint64_t plane) const {
  std::vector<std::uint64_t> all;
  for (Index i = 0; i < static_cast<Index>(levels_[level].tiles()); ++i)
    all.push_back(stored_[level][number(level, plane, i)].place);
  return all;
}

std::vector<std::uint32_t> OmeTiles::sizes(std::size_t level, std::uint64_t plane) const {
  std::vector<std::uint32_t> all;
  for (Index i = 0; i < static_cast<Index>(levels_[level].tiles()); ++i)
    all.push_back(stored_[level][number(level, plane, i)].size);
  return all;
}

void OmeTiles::append(const Bytes8& bytes) {
  out_.write_at(end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

std::size_t OmeTiles::number(std::size_t level, std::uint64_t plane, Index tile) const {
  return static_cast<std::size_t>(plane * levels_[level].tiles() + static_cast<std::uint64_t>(tile));
}

void OmeTiles::store(std::size_t level, std::uint64_t plane, Index tile, const Bytes8& encoded) {
  stored_[level][number(level, plane, tile)] = {end_, static_cast<std::uint32_t>(encoded.size())};
  append(encoded);
}

/// One tile of a box of level 0; `at` counts planes and tiles from the box's own first.
Bytes8 OmeTiles::cut(const void* voxels, const Index3& extent, const Index3& at) const {
  const Index3& shape = levels_.front().tile;
  const std::size_t voxel_bytes = size_bytes(stack_.dtype);
  Bytes8 tile(static_cast<std::size_t>(count(shape)) * voxel_bytes, 0);
  const Index y0 = at[kY] * shape[kY], x0 = at[kX] * shape[kX];
  const Index ny = std::min(shape[kY], extent[kY] - y0), nx = std::min(shape[kX], extent[kX] - x0);
  for (Index y = 0; y < ny; ++y) {
    const auto from = static_cast<std::size_t>((at[kZ] * extent[kY] + y0 + y) * extent[kX] + x0) * voxel_bytes;
    unsigned char* row = tile.data() + static_cast<std::size_t>(y * shape[kX]) * voxel_bytes;
    std::memcpy(row, static_cast<const char*>(voxels) + from, static_cast<std::size_t>(nx) * voxel_bytes);
  }
  return tile;
}

Bytes8 OmeTiles::encode(Bytes8 tile, const Index3& shape) const {
  for_each_row(stack_.dtype, tile, shape, [](auto* row, Index n) { subtract_neighbours(row, n); });
  return archive::deflate(tile.data(), tile.size());
}

Bytes8 OmeTiles::decode(std::size_t level, std::uint64_t plane, Index tile) const {
  const Stored& stored = stored_[level][number(level, plane, tile)];
  const Index3& shape = levels_[level].tile;
  Bytes8 bytes(stored.size), voxels(static_cast<std::size_t>(count(shape)) * size_bytes(stack_.dtype));
  out_.read_at(stored.place, bytes.data(), bytes.size());
  archive::inflate(bytes.data(), bytes.size(), voxels.data(), voxels.size());
  for_each_row(stack_.dtype, voxels, shape, [](auto* row, Index n) { add_neighbours(row, n); });
  return voxels;
}

/// A tile from the level before, which covers twice as much of it along y and x.
Bytes8 OmeTiles::shrunk(std::size_t level, std::uint64_t plane, Index tile) const {
  const TileLevel &to = levels_[level], &from = levels_[level - 1];
  const std::size_t voxel_bytes = size_bytes(stack_.dtype);
  Box3 box{{0, tile / to.across * to.tile[kY], tile % to.across * to.tile[kX]}, to.tile};
  box = intersect(box, {{0, 0, 0}, to.shape});
  Box3 fine = box;
  for (const std::size_t axis : {kY, kX}) {
    fine.origin[axis] = box.origin[axis] * kSteps[axis];
    fine.extent[axis] = std::min(box.extent[axis] * kSteps[axis], from.shape[axis] - fine.origin[axis]);
  }
  Bytes8 voxels(static_cast<std::size_t>(count(fine.extent)) * voxel_bytes);
  for (Index y = fine.origin[kY] / from.tile[kY]; y * from.tile[kY] < fine.end(kY); ++y)
    for (Index x = fine.origin[kX] / from.tile[kX]; x * from.tile[kX] < fine.end(kX); ++x)
      copy_part(decode(level - 1, plane, y * from.across + x), {{0, y * from.tile[kY], x * from.tile[kX]}, from.tile},
                voxels, fine, voxel_bytes);
  Bytes8 small(static_cast<std::size_t>(count(to.tile)) * voxel_bytes, 0);
  archive::reduce(voxels.data(), fine.extent, kSteps, stack_.dtype, archive::reduction_of(stack_.kind), small.data(),
                  box.extent, to.tile);
  return small;
}

}  // namespace voxflow::interop
