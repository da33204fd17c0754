#include "pipeline/archive/layout.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/archive/chunks.hpp"

namespace voxflow::archive::layout {

std::string setup(int c) {
  return fmt::format("/s{:02}", c);
}

std::string cells(int t, int c) {
  return fmt::format("/t{:05}/s{:02}/0/cells", t, c);
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

std::string chunk_name(int t, int c, const Index3& chunk) {
  return fmt::format("timepoint {}, channel {}, chunk ({}, {}, {})", t, c, chunk[kZ], chunk[kY], chunk[kX]);
}

OpenCells::OpenCells(const hdf5::Handle& file, const record::ImageInfo& info, DType storage)
    : file_(file), info_(info), storage_(storage), chunk_(chunk_shape(info.grid)) {}

const hdf5::Handle& OpenCells::get(int t, int c) {
  constexpr std::size_t kMostOpen = 32;
  const std::pair volume{t, c};
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const auto& entry) { return entry.first == volume; });
  if (found != open_.end()) {
    open_.splice(open_.begin(), open_, found);
  } else {
    open_.emplace_front(volume, hdf5::open_cells(file_, cells(t, c), storage_, info_.grid.shape, chunk_));
    if (open_.size() > kMostOpen) open_.pop_back();
  }
  return open_.front().second;
}

}  // namespace voxflow::archive::layout
