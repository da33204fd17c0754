#include <algorithm>
#include <array>
#include <vector>

#include "kernels/denoise/median/window.hpp"

namespace voxflow::median {

namespace {
constexpr std::size_t kLanes = 32;
// One candidate for each of kLanes neighbouring boxes.
using Lanes = std::array<float, kLanes>;

void order(Lanes& low, Lanes& high) {
  for (std::size_t i = 0; i < kLanes; ++i) {
    const float a = low[i], b = high[i];
    low[i] = std::min(a, b);
    high[i] = std::max(a, b);
  }
}

// Moves the least candidate to the front and the greatest to the back.
void separate_extremes(Lanes* candidates, std::size_t count) {
  const std::size_t half = count / 2;
  for (std::size_t i = 0; i < half; ++i) order(candidates[i], candidates[count - 1 - i]);
  for (std::size_t i = 1; i < count - half; ++i) order(candidates[0], candidates[i]);
  for (std::size_t i = half; i + 1 < count; ++i) order(candidates[i], candidates[count - 1]);
}

// The offsets of a box's voxels from its first one.
std::vector<Index> box_offsets(const Index3& radius, const Index3& stride) {
  std::vector<Index> offsets;
  for (Index z = 0; z <= 2 * radius[kZ]; ++z)
    for (Index y = 0; y <= 2 * radius[kY]; ++y)
      for (Index x = 0; x <= 2 * radius[kX]; ++x) offsets.push_back(z * stride[kZ] + y * stride[kY] + x);
  return offsets;
}

// Forgetful selection: of half the voxels and two the extremes cannot be the median; they make room for the next voxel.
const Lanes& select(const float* first, const std::vector<Index>& offsets, std::size_t lanes,
                    std::vector<Lanes>& candidates) {
  const auto load = [&](std::size_t voxel, Lanes& to) { std::copy_n(first + offsets[voxel], lanes, to.begin()); };
  std::size_t count = offsets.size() / 2 + 2, next = count;
  for (std::size_t i = 0; i < count; ++i) load(i, candidates[i]);
  for (;; --count) {
    separate_extremes(candidates.data(), count);
    if (next == offsets.size()) return candidates[1];
    load(next++, candidates[0]);
  }
}
}  // namespace

void select_medians(VolumeView<const float> in, const Index3& radius, VolumeView<float> out, const Context& ctx) {
  const std::vector<Index> offsets = box_offsets(radius, in.stride());
  std::vector<Lanes> candidates(offsets.size() / 2 + 2, Lanes{});
  const auto [nz, ny, nx] = out.shape();
  for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
    for (Index y = 0; y < ny; ++y)
      for (Index x = 0; x < nx; x += kLanes) {
        const auto lanes = static_cast<std::size_t>(std::min<Index>(kLanes, nx - x));
        const Lanes& medians = select(in.row(z, y) + x, offsets, lanes, candidates);
        // + 0 makes one zero of the two, which compare equal and have different bits.
        for (std::size_t i = 0; i < lanes; ++i) out.row(z, y)[x + static_cast<Index>(i)] = medians[i] + 0.0F;
      }
}

}  // namespace voxflow::median
