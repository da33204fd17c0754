#include "pipeline/archive/pyramid.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "pipeline/archive/chunks.hpp"

namespace voxflow::archive {

namespace {
constexpr Index kSmallEnough = 256;

template <class T>
T mean_of(const T* v, int n) {
  if constexpr (std::is_floating_point_v<T>) {
    T sum = 0;
    for (int i = 0; i < n; ++i) sum += v[i];
    if (std::isfinite(sum)) return sum / static_cast<T>(n);
    double finite_sum = 0;
    int finite = 0;
    for (int i = 0; i < n; ++i)
      if (std::isfinite(v[i])) finite_sum += static_cast<double>(v[i]), ++finite;
    return finite == 0 ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(finite_sum / finite);
  } else {
    std::uint64_t sum = static_cast<std::uint64_t>(n) / 2;
    for (int i = 0; i < n; ++i) sum += v[i];
    return static_cast<T>(sum / static_cast<std::uint64_t>(n));
  }
}

template <class T>
T mode_of(const T* v, int n) {
  if (std::all_of(v, v + n, [&](T other) { return other == v[0]; })) return v[0];
  T best = v[0];
  std::ptrdiff_t most = 0;
  for (int i = 0; i < n; ++i) {
    const auto times = std::count(v, v + n, v[i]);
    const bool preferred = v[i] != 0 && (best == 0 || v[i] < best);
    if (times > most || (times == most && preferred)) best = v[i], most = times;
  }
  return best;
}

template <class T>
void reduce_as(const T* from, const Index3& from_shape, const Index3& steps, Reduction reduction, T* to,
               const Index3& to_shape) {
  std::array<T, 8> v{};
  for (Index z = 0; z < to_shape[kZ]; ++z)
    for (Index y = 0; y < to_shape[kY]; ++y)
      for (Index x = 0; x < to_shape[kX]; ++x) {
        const Index z_end = std::min((z + 1) * steps[kZ], from_shape[kZ]);
        const Index y_end = std::min((y + 1) * steps[kY], from_shape[kY]);
        const Index x_end = std::min((x + 1) * steps[kX], from_shape[kX]);
        int n = 0;
        for (Index i = z * steps[kZ]; i < z_end; ++i)
          for (Index j = y * steps[kY]; j < y_end; ++j)
            for (Index k = x * steps[kX]; k < x_end; ++k)
              v[static_cast<std::size_t>(n++)] = from[(i * from_shape[kY] + j) * from_shape[kX] + k];
        *to++ = reduction == Reduction::mean ? mean_of(v.data(), n) : mode_of(v.data(), n);
      }
}
}  // namespace

std::vector<Level> pyramid_levels(const Grid& grid) {
  Level level;
  level.grid = grid;
  std::vector<Level> levels;
  for (;;) {
    level.chunk = chunk_shape(level.grid);
    level.counts = chunk_counts(level.grid);
    levels.push_back(level);
    const Index3& n = level.grid.shape;
    if (std::max({n[kZ], n[kY], n[kX]}) <= kSmallEnough) return levels;
    const bool near_isotropic = level.grid.spacing[kZ].value < 2 * level.grid.spacing[kX].value;
    level.steps = {near_isotropic && n[kZ] > 1 ? 2 : 1, 2, 2};
    for (std::size_t i = 0; i < 3; ++i) {
      level.factors[i] *= level.steps[i];
      level.grid.shape[i] = std::max<Index>(level.grid.shape[i] / level.steps[i], 1);
      level.grid.spacing[i].value *= static_cast<double>(level.steps[i]);
    }
  }
}

Reduction reduction_of(record::ImageKind kind) {
  return kind == record::ImageKind::labels || kind == record::ImageKind::mask ? Reduction::mode : Reduction::mean;
}

void reduce(const void* from, const Index3& from_shape, const Index3& steps, DType dtype, Reduction reduction, void* to,
            const Index3& to_shape) {
  visit_dtype(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    reduce_as(static_cast<const T*>(from), from_shape, steps, reduction, static_cast<T*>(to), to_shape);
  });
}

}  // namespace voxflow::archive
