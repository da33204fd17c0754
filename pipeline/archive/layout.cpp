#include "pipeline/archive/layout.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace voxflow::archive::layout {

std::string setup(int c) {
  return fmt::format("/s{:02}", c);
}

std::string cells(int t, int c, std::size_t level) {
  return fmt::format("/t{:05}/s{:02}/{}/cells", t, c, level);
}

Index3 chunk_origin(const Index3& chunk, const Index3& shape) {
  return {chunk[kZ] * shape[kZ], chunk[kY] * shape[kY], chunk[kX] * shape[kX]};
}

std::size_t chunk_number(const Index3& chunk, const Index3& counts) {
  return static_cast<std::size_t>((chunk[kZ] * counts[kY] + chunk[kY]) * counts[kX] + chunk[kX]);
}

Index3 chunk_at(std::size_t number, const Index3& counts) {
  const auto n = static_cast<Index>(number);
  return {n / (counts[kY] * counts[kX]), n / counts[kX] % counts[kY], n % counts[kX]};
}

std::string chunk_name(int t, int c, const Index3& chunk, std::size_t level) {
  return fmt::format("timepoint {}, channel {}{}, chunk ({}, {}, {})", t, c,
                     level == 0 ? "" : fmt::format(", level {}", level), chunk[kZ], chunk[kY], chunk[kX]);
}

OpenCells::OpenCells(const hdf5::Handle& file, const std::vector<Level>& levels, DType storage)
    : file_(file), levels_(levels), storage_(storage) {}

const hdf5::Cells& OpenCells::get(int t, int c, std::size_t level) {
  constexpr std::size_t kMostOpen = 32;
  const auto found =
      std::find_if(open_.begin(), open_.end(), [&](const Open& o) { return o.t == t && o.c == c && o.level == level; });
  if (found != open_.end()) {
    open_.splice(open_.begin(), open_, found);
  } else {
    const Level& l = levels_[level];
    open_.push_front({t, c, level, hdf5::open_cells(file_, cells(t, c, level), storage_, l.grid.shape, l.chunk)});
    if (open_.size() > kMostOpen) open_.pop_back();
  }
  return open_.front().cells;
}

}  // namespace voxflow::archive::layout
