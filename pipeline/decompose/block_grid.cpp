#include "pipeline/decompose/block_grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "pipeline/core/error.hpp"

namespace voxflow::decompose {

namespace {
constexpr std::array<const char*, 3> kAxisNames{"z", "y", "x"};

Index reach(const Halo& halo, std::size_t axis) {
  return std::max(halo.low[axis], halo.high[axis]);
}

Index pieces(Index size, Index core) {
  return (size + core - 1) / core;
}

std::vector<Index> cut_axis(Index size, Index core, Index halo) {
  std::vector<Index> cuts;
  for (Index at = 0; at < size; at += core) cuts.push_back(at);
  if (cuts.size() > 1 && size - cuts.back() < halo) cuts.pop_back();
  cuts.push_back(size);
  return cuts;
}

// Whole chunks, at least twice the halo; of those that cut the axis into as many pieces the shortest.
std::vector<Index> core_lengths(Index size, Index chunk, Index halo) {
  std::vector<Index> lengths;
  for (Index length = std::max<Index>(1, (2 * halo + chunk - 1) / chunk) * chunk; length < size; length += chunk)
    if (lengths.empty() || pieces(size, length) < pieces(size, lengths.back())) lengths.push_back(length);
  if (lengths.empty() || pieces(size, lengths.back()) > 1) lengths.push_back(size);
  return lengths;
}

// By all blocks together, with their halos.
Index voxels_read(const Index3& shape, const Index3& core, const Halo& halo) {
  Index voxels = 1;
  for (std::size_t i = 0; i < 3; ++i)
    voxels *= shape[i] + (pieces(shape[i], core[i]) - 1) * (halo.low[i] + halo.high[i]);
  return voxels;
}
}  // namespace

Index3 BlockGrid::core_shape(const Index3& shape, const Index3& chunk, const Halo& halo, Index wanted) {
  std::array<std::vector<Index>, 3> lengths;
  for (std::size_t i = 0; i < 3; ++i) lengths[i] = core_lengths(shape[i], chunk[i], reach(halo, i));
  // First of all the fewest voxels that blocks read; then large cores near to cubes, long along x rather than z.
  const auto rank = [&](const Index3& core) {
    return std::tuple(voxels_read(shape, core, halo), -count(core), *std::max_element(core.begin(), core.end()),
                      -core[kX], -core[kY]);
  };
  Index3 best{};
  for (Index most = wanted; most <= 4 * wanted; most *= 2) {
    best = {lengths[kZ].front(), lengths[kY].front(), lengths[kX].front()};
    for (const Index z : lengths[kZ])
      for (const Index y : lengths[kY])
        for (const Index x : lengths[kX]) {
          const Index3 core{z, y, x};
          if (count(core) > most) break;
          if (rank(core) < rank(best)) best = core;
        }
    if (2 * voxels_read(shape, best, halo) <= 3 * count(shape)) break;
  }
  return best;
}

BlockGrid::BlockGrid(const Index3& shape, const Index3& chunk, const Index3& core, const Halo& halo) : shape_(shape) {
  for (std::size_t i = 0; i < 3; ++i) {
    if (core[i] < 1 || (core[i] % chunk[i] != 0 && core[i] < shape[i]))
      throw UserError(fmt::format(
          "blocks are {} voxels long on axis {}, allowed are multiples of {} (the chunk's length) and {} or "
          "more (the volume's length)",
          core[i], kAxisNames[i], chunk[i], shape[i]));
    cuts_[i] = cut_axis(shape[i], core[i], reach(halo, i));
    counts_[i] = static_cast<Index>(cuts_[i].size()) - 1;
  }
  cores_.reserve(static_cast<std::size_t>(count(counts_)));
  const auto piece = [&](std::size_t axis, Index i) {
    const auto at = static_cast<std::size_t>(i);
    return std::pair{cuts_[axis][at], cuts_[axis][at + 1] - cuts_[axis][at]};
  };
  for (Index z = 0; z < counts_[kZ]; ++z)
    for (Index y = 0; y < counts_[kY]; ++y)
      for (Index x = 0; x < counts_[kX]; ++x) {
        const auto [oz, ez] = piece(kZ, z);
        const auto [oy, ey] = piece(kY, y);
        const auto [ox, ex] = piece(kX, x);
        cores_.push_back({{oz, oy, ox}, {ez, ey, ex}});
      }
}

Index3 BlockGrid::largest_core() const {
  Index3 largest{};
  for (const Box3& core : cores_)
    for (std::size_t i = 0; i < 3; ++i) largest[i] = std::max(largest[i], core.extent[i]);
  return largest;
}

std::vector<std::size_t> dealt(std::size_t blocks, int rank, int ranks) {
  std::vector<std::size_t> mine;
  for (auto i = static_cast<std::size_t>(rank); i < blocks; i += static_cast<std::size_t>(ranks)) mine.push_back(i);
  return mine;
}

}  // namespace voxflow::decompose
