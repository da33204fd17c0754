#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/denoise/median/window.hpp"

namespace voxflow::median {

namespace {
constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kCameraLevels = 65536;
constexpr std::uint32_t kShift = 7, kFanOut = 1U << kShift;

// Every voxel's place in the order of the values that there are.
struct Ranks {
  std::vector<std::uint32_t> of_voxel;
  std::vector<float> values;  // by rank; empty where rank and value are the same number
  std::uint32_t count = kCameraLevels;
  float value(std::uint32_t rank) const { return values.empty() ? static_cast<float>(rank) : values[rank]; }
};

bool is_camera_level(float v) {
  return v >= 0 && v < static_cast<float>(kCameraLevels) && v == std::trunc(v);
}

Ranks rank_voxels(VolumeView<const float> in) {
  const std::size_t n = static_cast<std::size_t>(voxflow::count(in.shape()));
  Ranks ranks;
  ranks.of_voxel.resize(n);
  const float* voxels = in.data();
  if (std::all_of(voxels, voxels + n, [](float v) { return is_camera_level(v) || std::isnan(v); })) {
    std::transform(voxels, voxels + n, ranks.of_voxel.begin(),
                   [](float v) { return std::isnan(v) ? kNoRank : static_cast<std::uint32_t>(v); });
    return ranks;
  }
  std::vector<float>& values = ranks.values;
  values.reserve(n);
  std::copy_if(voxels, voxels + n, std::back_inserter(values), [](float v) { return !std::isnan(v); });
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  ranks.count = static_cast<std::uint32_t>(values.size());
  std::transform(voxels, voxels + n, ranks.of_voxel.begin(), [&](float v) {
    if (std::isnan(v)) return kNoRank;
    return static_cast<std::uint32_t>(std::lower_bound(values.begin(), values.end(), v) - values.begin());
  });
  return ranks;
}

// How often each rank stands in the box, with sums over groups of ranks and groups of groups.
class RankCounts {
 public:
  explicit RankCounts(std::uint32_t ranks)
      : fine_((ranks / kFanOut + 1) * kFanOut),
        middle_((fine_.size() / kFanOut / kFanOut + 1) * kFanOut),
        coarse_(middle_.size() / kFanOut) {}

  void add(std::uint32_t rank, std::uint32_t times) {
    if (rank == kNoRank) return;
    fine_[rank] += times;
    middle_[rank >> kShift] += times;
    coarse_[rank >> 2 * kShift] += times;
    total_ += times;
  }
  std::uint32_t total() const { return total_; }
  // The rank that `below` others of the box precede.
  std::uint32_t at(std::uint32_t below) const {
    const std::uint32_t c = skip(coarse_, 0, below);
    const std::uint32_t m = skip(middle_, c << kShift, below);
    return skip(fine_, m << kShift, below);
  }

 private:
  static std::uint32_t skip(const std::vector<std::uint32_t>& counts, std::uint32_t from, std::uint32_t& below) {
    while (counts[from] <= below) below -= counts[from++];
    return from;
  }
  std::vector<std::uint32_t> fine_, middle_, coarse_;
  std::uint32_t total_ = 0;
};

constexpr std::uint32_t kOnce = 1, kOnceLess = ~0U;

// Adds or takes away the box's voxels in the plane x, for the box that starts in row (z, y).
void count_plane(RankCounts& counts, VolumeView<const std::uint32_t> ranks, const Index3& radius, Index z, Index y,
                 Index x, std::uint32_t times) {
  for (Index dz = 0; dz <= 2 * radius[kZ]; ++dz)
    for (Index dy = 0; dy <= 2 * radius[kY]; ++dy) counts.add(ranks(z + dz, y + dy, x), times);
}
}  // namespace

void rank_medians(VolumeView<const float> in, const Index3& radius, VolumeView<float> out, const Context& ctx) {
  const Ranks ranks = rank_voxels(in);
  const VolumeView<const std::uint32_t> view(ranks.of_voxel.data(), in.shape());
  RankCounts counts(ranks.count);
  const auto [nz, ny, nx] = out.shape();
  const Index width = 2 * radius[kX] + 1;
  for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
    for (Index y = 0; y < ny; ++y) {
      for (Index x = 0; x < width - 1; ++x) count_plane(counts, view, radius, z, y, x, kOnce);
      for (Index x = 0; x < nx; ++x) {
        count_plane(counts, view, radius, z, y, x + width - 1, kOnce);
        const bool any = counts.total() > 0;
        out(z, y, x) =
            any ? ranks.value(counts.at(counts.total() / 2)) + 0.0F : std::numeric_limits<float>::quiet_NaN();
        count_plane(counts, view, radius, z, y, x, kOnceLess);
      }
      for (Index x = nx; x < nx + width - 1; ++x) count_plane(counts, view, radius, z, y, x, kOnceLess);
    }
}

std::size_t rank_bytes(std::size_t voxels) {
  const std::size_t ranks = std::max<std::size_t>(voxels, kCameraLevels) + kFanOut * kFanOut;
  return voxels * (sizeof(std::uint32_t) + sizeof(float)) + ranks * sizeof(std::uint32_t) * 11 / 10;
}

}  // namespace voxflow::median
