#include "kernels/denoise/nlm/adaptive.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "pipeline/core/error.hpp"

namespace voxflow::nlm {

namespace {
// An estimate that lies further from an earlier one than so many of that one's standard deviations has left its place.
constexpr float kBias = 6;

// What is known of one timepoint, over the whole box.
struct Estimate {
  std::vector<float> value, precision;  // one over the variance
};

// Where the true value lies by every estimate so far; empty once one did not fit.
struct Bounds {
  std::vector<float> low, high;
};

// to[x] = rows[0][x] + rows[1][x] + ..., in this order.
template <std::size_t N>
void add_up(const std::array<const float*, N>& rows, Index width, float* __restrict to) {
  for (Index x = 0; x < width; ++x) {
    float sum = rows[0][x];
    for (std::size_t i = 1; i < N; ++i) sum += rows[i][x];
    to[x] = sum;
  }
}

// The rows of a patch of half-width `half`, `row(i)` being its i-th.
template <class Row>
void add_up(Index half, Index width, float* to, const Row& row) {
  switch (half) {
    case 0:
      return add_up<1>({row(0)}, width, to);
    case 1:
      return add_up<3>({row(0), row(1), row(2)}, width, to);
    case 2:
      return add_up<5>({row(0), row(1), row(2), row(3), row(4)}, width, to);
    case 3:
      return add_up<7>({row(0), row(1), row(2), row(3), row(4), row(5), row(6)}, width, to);
    default:
      throw InternalError("patches of non-local means have a half-width of at most 3");
  }
}

// Sums over weighted voxels of one region.
class Means {
 public:
  Means(const Box3& box, const Box3& region, const Search& search)
      : shape_(box.extent), region_(region), patch_(search.patch) {
    for (std::size_t i = 0; i < 3; ++i) region_.origin[i] -= box.origin[i];
    const auto voxels = static_cast<std::size_t>(count(region.extent));
    sums_.resize(voxels), weights_.resize(voxels), squares_.resize(voxels);
    const double patch_voxels = static_cast<double>((2 * patch_[kZ] + 1) * (2 * patch_[kY] + 1) * (2 * patch_[kX] + 1));
    // Two voxels of one value differ by twice the noise, and both precisions are added.
    scale_ = static_cast<float>(1 / (4 * patch_voxels));
    strength_ = 1 / (16 * search.strength);
    const auto width = static_cast<std::size_t>(region.extent[kX] + 2 * patch_[kX]);
    differences_.resize(width);
    row_sums_.resize(static_cast<std::size_t>((region.extent[kY] + 2 * patch_[kY]) * region.extent[kX]));
    plane_sums_.resize(static_cast<std::size_t>((2 * patch_[kZ] + 1) * region.extent[kY] * region.extent[kX]));
  }

  void begin(const std::vector<float>& noisy) {
    // The voxel itself.
    for_each_row([&](Index at, Index i) {
      for (Index x = 0; x < region_.extent[kX]; ++x)
        sums_[static_cast<std::size_t>(i + x)] = noisy[static_cast<std::size_t>(at + x)];
    });
    std::fill(weights_.begin(), weights_.end(), 1.0F);
    std::fill(squares_.begin(), squares_.end(), 1.0F);
  }

  // Adds voxels that lie `offset` away, by how much what is around them is like what is around the region's voxels.
  void add(const Estimate& here, const Estimate& there, const std::vector<float>& noisy_there, Index offset) {
    const Index plane = region_.extent[kY] * region_.extent[kX], planes = 2 * patch_[kZ] + 1;
    for (Index z = -patch_[kZ]; z < region_.extent[kZ] + patch_[kZ]; ++z) {
      compare_plane(here, there, offset, z, &plane_sums_[static_cast<std::size_t>((z + patch_[kZ]) % planes * plane)]);
      if (z >= patch_[kZ]) weigh_plane(noisy_there, offset, z - patch_[kZ]);
    }
  }

  // f(index in the box of a row's first voxel, index in the region).
  template <class F>
  void for_each_row(const F& f) const {
    Index i = 0;
    for (Index z = 0; z < region_.extent[kZ]; ++z)
      for (Index y = 0; y < region_.extent[kY]; ++y, i += region_.extent[kX]) f(index(z, y, 0), i);
  }
  Index width() const { return region_.extent[kX]; }
  float mean(Index i) const { return sums_[static_cast<std::size_t>(i)] / weights_[static_cast<std::size_t>(i)]; }
  float precision(Index i) const {
    const float weight = weights_[static_cast<std::size_t>(i)];
    return weight * weight / squares_[static_cast<std::size_t>(i)];
  }

 private:
  // In the box, of a voxel of the region.
  Index index(Index z, Index y, Index x) const {
    return ((region_.origin[kZ] + z) * shape_[kY] + region_.origin[kY] + y) * shape_[kX] + region_.origin[kX] + x;
  }

  // Differences over the noise, summed over the patch within plane z.
  void compare_plane(const Estimate& here, const Estimate& there, Index offset, Index z, float* to) {
    const Index width = region_.extent[kX], wide = width + 2 * patch_[kX];
    for (Index y = -patch_[kY]; y < region_.extent[kY] + patch_[kY]; ++y) {
      const auto at = static_cast<std::size_t>(index(z, y, -patch_[kX]));
      const auto other = static_cast<std::size_t>(static_cast<Index>(at) + offset);
      const float *a = &here.value[at], *b = &there.value[other], *pa = &here.precision[at],
                  *pb = &there.precision[other];
      float* __restrict d = differences_.data();
      for (Index x = 0; x < wide; ++x) d[x] = (a[x] - b[x]) * (a[x] - b[x]) * (pa[x] + pb[x]);
      add_up(patch_[kX], width, &row_sums_[static_cast<std::size_t>((y + patch_[kY]) * width)],
             [&](Index i) { return d + i; });
    }
    for (Index y = 0; y < region_.extent[kY]; ++y)
      add_up(patch_[kY], width, to + y * width,
             [&](Index i) { return &row_sums_[static_cast<std::size_t>((y + i) * width)]; });
  }

  void weigh_plane(const std::vector<float>& noisy, Index offset, Index z) {
    const Index width = region_.extent[kX], plane = region_.extent[kY] * width, planes = 2 * patch_[kZ] + 1;
    for (Index y = 0; y < region_.extent[kY]; ++y) {
      const float* v = &noisy[static_cast<std::size_t>(index(z, y, 0) + offset)];
      const auto i = static_cast<std::size_t>(z * plane + y * width);
      float* __restrict sum = &sums_[i];
      float* __restrict weight = &weights_[i];
      float* __restrict square = &squares_[i];
      float* d = differences_.data();
      // In the order of planes, wherever the first one lies in the ring.
      add_up(patch_[kZ], width, d,
             [&](Index k) { return &plane_sums_[static_cast<std::size_t>((z + k) % planes * plane + y * width)]; });
      for (Index x = 0; x < width; ++x) {
        // exp(-excess) as the 16th power of 1 - excess / 16.
        const float excess = std::max(d[x] * scale_ - 1, 0.0F) * strength_;
        float w = std::max(1 - excess, 0.0F);
        w *= w, w *= w, w *= w, w *= w;
        sum[x] += w * v[x], weight[x] += w, square[x] += w * w;
      }
    }
  }

  Index3 shape_;
  Box3 region_;  // counted from the box
  Index3 patch_;
  float scale_, strength_;
  std::vector<float> sums_, weights_, squares_;
  std::vector<float> differences_, row_sums_, plane_sums_;
};

// In raster order, as distances in memory.
std::vector<Index> offsets_within(const Index3& radius, const Index3& shape) {
  std::vector<Index> all;
  for (Index z = -radius[kZ]; z <= radius[kZ]; ++z)
    for (Index y = -radius[kY]; y <= radius[kY]; ++y)
      for (Index x = -radius[kX]; x <= radius[kX]; ++x) all.push_back((z * shape[kY] + y) * shape[kX] + x);
  return all;
}

// One timepoint on its way through the windows.
struct Timepoint {
  std::vector<float> noisy;
  Bounds bounds;
  std::vector<Estimate> estimates;  // after each window; emptied when no longer needed
};

// Takes over the means that fit what was known before.
Estimate refined(const Means& means, const Estimate& before, Bounds& bounds) {
  Estimate after = before;
  means.for_each_row([&](Index at, Index i) {
    for (Index x = 0; x < means.width(); ++x) {
      const auto voxel = static_cast<std::size_t>(at + x);
      const float mean = means.mean(i + x), precision = means.precision(i + x);
      if (!(mean >= bounds.low[voxel] && mean <= bounds.high[voxel])) {
        bounds.low[voxel] = std::numeric_limits<float>::infinity();  // nothing fits any more
        continue;
      }
      const float margin = kBias / std::sqrt(precision);
      bounds.low[voxel] = std::max(bounds.low[voxel], mean - margin);
      bounds.high[voxel] = std::min(bounds.high[voxel], mean + margin);
      after.value[voxel] = mean, after.precision[voxel] = precision;
    }
  });
  return after;
}

class Pipeline {
 public:
  Pipeline(const Series& series, const Box3& box, const Box3& core, const Search& search, const Context& ctx)
      : series_(series), box_(box), core_(core), search_(search), ctx_(ctx) {}

  // A timepoint goes through a window as soon as those after it went through the one before.
  void run() {
    const int windows = static_cast<int>(search_.windows.size()), lag = search_.timepoints;
    for (int front = 0; front < series_.timepoints + windows * lag; ++front) {
      if (front < series_.timepoints) begin(front);
      for (int window = 0; window < windows; ++window) {
        const int t = front - (window + 1) * lag;
        if (t < 0 || t >= series_.timepoints) continue;
        look(t, static_cast<std::size_t>(window));
        if (ctx_.cancelled()) return;
        // Nobody looks at this one any more.
        if (const auto done = live_.find(t - lag); done != live_.end() && lag > 0)
          done->second.estimates[static_cast<std::size_t>(window)] = {};
        if (window + 1 == windows) put(t);
      }
      live_.erase(front - (windows + 1) * lag - 1);
      if (lag == 0) live_.clear();
    }
  }

 private:
  void begin(int t) {
    Timepoint& timepoint = live_[t];
    timepoint.noisy = series_.noisy(t);
    const std::size_t voxels = timepoint.noisy.size();
    timepoint.estimates.push_back({timepoint.noisy, std::vector<float>(voxels, 1.0F)});
    timepoint.bounds.low.assign(voxels, -std::numeric_limits<float>::infinity());
    timepoint.bounds.high.assign(voxels, std::numeric_limits<float>::infinity());
  }

  void look(int t, std::size_t window) {
    Search rest = search_;
    rest.windows.erase(rest.windows.begin(), rest.windows.begin() + static_cast<std::ptrdiff_t>(window) + 1);
    Means means(box_, grow(core_, Halo::symmetric(reach_of(rest))), search_);
    Timepoint& here = live_.at(t);
    means.begin(here.noisy);
    const std::vector<Index> offsets = offsets_within(search_.windows[window], box_.extent);
    const int last = std::min(series_.timepoints - 1, t + search_.timepoints);
    for (int other = std::max(0, t - search_.timepoints); other <= last; ++other) {
      const Timepoint& there = live_.at(other);
      for (const Index offset : offsets) {
        if (ctx_.cancelled()) return;
        if (other != t || offset != 0) means.add(here.estimates[window], there.estimates[window], there.noisy, offset);
      }
    }
    here.estimates.push_back(refined(means, here.estimates[window], here.bounds));
  }

  void put(int t) {
    const std::vector<float>& value = live_.at(t).estimates.back().value;
    std::vector<float> voxels;
    const VolumeView<const float> view(value.data(), box_.extent);
    for (Index z = core_.origin[kZ] - box_.origin[kZ]; z < core_.end(kZ) - box_.origin[kZ]; ++z)
      for (Index y = core_.origin[kY] - box_.origin[kY]; y < core_.end(kY) - box_.origin[kY]; ++y) {
        const float* row = view.row(z, y) + core_.origin[kX] - box_.origin[kX];
        voxels.insert(voxels.end(), row, row + core_.extent[kX]);
      }
    series_.put(t, voxels);
  }

  const Series& series_;
  Box3 box_, core_;
  const Search& search_;
  const Context& ctx_;
  std::map<int, Timepoint> live_;
};
}  // namespace

Index3 reach_of(const Search& search) {
  Index3 reach{};
  for (const Index3& window : search.windows)
    for (std::size_t i = 0; i < 3; ++i) reach[i] += window[i] + search.patch[i];
  return reach;
}

void adaptive_means(const Series& series, const Box3& box, const Box3& core, const Search& search, const Context& ctx) {
  Pipeline(series, box, core, search, ctx).run();
}

std::size_t adaptive_bytes(const Index3& extent, const Search& search) {
  const std::size_t windows = search.windows.size(), lag = static_cast<std::size_t>(search.timepoints);
  const std::size_t live = (windows + 1) * lag + 2, around = 2 * lag + 2;
  // Noisy voxels and bounds; estimates of two volumes each; sums, and one volume for what comes and goes.
  return static_cast<std::size_t>(count(extent)) * sizeof(float) * (3 * live + 2 * (windows + 1) * around + 6);
}

}  // namespace voxflow::nlm
