#include "kernels/shared/distance.hpp"

#include <limits>

#include "kernels/shared/parallel.hpp"

namespace voxflow::shared {

namespace {
void distance_in_row(const std::uint8_t* mask, float* squared, Index n, double spacing_um) {
  const auto square = [&](Index steps) {
    const double um = static_cast<double>(steps) * spacing_um;
    return static_cast<float>(um * um);
  };
  const Index far = std::numeric_limits<Index>::max();
  Index last = far;
  for (Index x = 0; x < n; ++x) {
    if (mask[x] == 0) last = x;
    squared[x] = last == far ? kNoBackground : square(x - last);
  }
  Index next = far;
  for (Index x = n - 1; x >= 0; --x) {
    if (mask[x] == 0) next = x;
    if (next != far) squared[x] = std::min(squared[x], square(next - x));
  }
}

// The lower envelope of one line's parabolas; buffers for lines of n voxels.
class Envelope {
 public:
  Envelope(Index n, double spacing_um)
      : spacing_um_(spacing_um), line_(static_cast<std::size_t>(n)), lowest_(line_.size()), from_(line_.size()) {}

  // Replaces the line's squared distances, `stride` voxels apart.
  void apply(float* voxels, Index stride) {
    const auto n = static_cast<Index>(line_.size());
    Index count = 0;
    for (Index i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      line_[k] = voxels[i * stride];
      if (line_[k] >= kNoBackground) continue;
      double start = -std::numeric_limits<double>::infinity();
      while (count > 0) {
        const auto top = static_cast<std::size_t>(count - 1);
        start = crossing(lowest_[top], i);
        if (start > from_[top]) break;
        --count;
      }
      if (count == 0) start = -std::numeric_limits<double>::infinity();
      lowest_[static_cast<std::size_t>(count)] = i, from_[static_cast<std::size_t>(count)] = start;
      ++count;
    }
    Index at = 0;
    for (Index i = 0; i < n && count > 0; ++i) {
      const auto um = static_cast<double>(i) * spacing_um_;
      while (at + 1 < count && from_[static_cast<std::size_t>(at + 1)] < um) ++at;
      const Index parabola = lowest_[static_cast<std::size_t>(at)];
      const double away = um - static_cast<double>(parabola) * spacing_um_;
      voxels[i * stride] = static_cast<float>(away * away + line_[static_cast<std::size_t>(parabola)]);
    }
  }

 private:
  // Where the parabola of voxel b gets below that of the earlier voxel a, in um.
  double crossing(Index a, Index b) const {
    const double ua = static_cast<double>(a) * spacing_um_, ub = static_cast<double>(b) * spacing_um_;
    const double fa = line_[static_cast<std::size_t>(a)], fb = line_[static_cast<std::size_t>(b)];
    return ((fb + ub * ub) - (fa + ua * ua)) / (2 * (ub - ua));
  }

  double spacing_um_;
  std::vector<float> line_;
  std::vector<Index> lowest_;
  std::vector<double> from_;
};
}  // namespace

void squared_distance(VolumeView<const std::uint8_t> mask, const Spacing3& spacing, VolumeView<float> squared,
                      const Context& ctx) {
  const Index3& shape = squared.shape();
  parallel_for(ctx, shape[kZ], [&] {
    return [&, envelope = Envelope(shape[kY], spacing[kY].value)](Index z) mutable {
      for (Index y = 0; y < shape[kY]; ++y)
        distance_in_row(mask.row(z, y), squared.row(z, y), shape[kX], spacing[kX].value);
      for (Index x = 0; x < shape[kX]; ++x) envelope.apply(&squared(z, 0, x), squared.stride()[kY]);
    };
  });
  if (shape[kZ] > 1)
    parallel_for(ctx, shape[kY], [&] {
      return [&, envelope = Envelope(shape[kZ], spacing[kZ].value)](Index y) mutable {
        for (Index x = 0; x < shape[kX]; ++x) envelope.apply(&squared(0, y, x), squared.stride()[kZ]);
      };
    });
}

std::size_t squared_distance_bytes(const Index3& shape) {
  return static_cast<std::size_t>(std::max(shape[kZ], shape[kY])) * (sizeof(float) + sizeof(Index) + sizeof(double));
}

}  // namespace voxflow::shared
