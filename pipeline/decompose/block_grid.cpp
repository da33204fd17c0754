#include "pipeline/decompose/block_grid.hpp"

#include <fmt/format.h>

#include "pipeline/core/error.hpp"

namespace voxflow::decompose {

namespace {
constexpr Index kWantedVoxels = Index{2} << 20;
constexpr std::array<const char*, 3> kAxisNames{"z", "y", "x"};

Index reach(const Halo& halo, std::size_t axis) {
  return std::max(halo.low[axis], halo.high[axis]);
}

std::vector<Index> cut_axis(Index size, Index core, Index halo) {
  std::vector<Index> cuts;
  for (Index at = 0; at < size; at += core) cuts.push_back(at);
  if (cuts.size() > 1 && size - cuts.back() < halo) cuts.pop_back();
  cuts.push_back(size);
  return cuts;
}
}  // namespace

Index3 BlockGrid::core_shape(const Index3& shape, const Index3& chunk, const Halo& halo) {
  Index3 core;
  for (std::size_t i = 0; i < 3; ++i) {
    const Index chunks = std::max<Index>(1, (2 * reach(halo, i) + chunk[i] - 1) / chunk[i]);
    core[i] = std::min(chunks * chunk[i], shape[i]);
  }
  // The shortest axis grows first, so that cores come out as near to cubes as chunks allow.
  for (bool grown = true; grown;) {
    grown = false;
    std::array<std::size_t, 3> order{kX, kY, kZ};
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return core[a] < core[b]; });
    for (const std::size_t i : order) {
      Index3 larger = core;
      larger[i] = std::min(core[i] + chunk[i], shape[i]);
      if (larger[i] == core[i] || count(larger) > kWantedVoxels) continue;
      core = larger, grown = true;
      break;
    }
  }
  return core;
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
