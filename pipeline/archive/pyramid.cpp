#include "pipeline/archive/pyramid.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "pipeline/archive/chunks.hpp"

namespace voxflow::archive {

namespace {
constexpr Index kSmallEnough = 256;

/// The voxels of `from` that become voxel (z, y, x); at most 8.
template <class T>
int gather(const T* from, const Index3& shape, const Index3& steps, Index z, Index y, Index x, std::array<T, 8>& v) {
  const Index z_end = std::min((z + 1) * steps[kZ], shape[kZ]), y_end = std::min((y + 1) * steps[kY], shape[kY]);
  const Index x_end = std::min((x + 1) * steps[kX], shape[kX]);
  int n = 0;
  for (Index i = z * steps[kZ]; i < z_end; ++i)
    for (Index j = y * steps[kY]; j < y_end; ++j)
      for (Index k = x * steps[kX]; k < x_end; ++k)
        v[static_cast<std::size_t>(n++)] = from[(i * shape[kY] + j) * shape[kX] + k];
  return n;
}

/// Of voxels whose sum is no number.
float mean_of_finite(const std::array<float, 8>& v, int n) {
  double sum = 0;
  int finite = 0;
  for (int i = 0; i < n; ++i)
    if (std::isfinite(v[static_cast<std::size_t>(i)])) sum += v[static_cast<std::size_t>(i)], ++finite;
  return finite == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(sum / finite);
}

template <class T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, float,
                               std::conditional_t<sizeof(T) == 4, std::uint64_t, std::uint32_t>>;

/// Row by row, in loops that the compiler turns into vector instructions.
template <class T>
void mean(const T* from, const Index3& shape, const Index3& steps, T* whole, const Index3& to_shape,
          const Index3& to_whole) {
  const auto width = static_cast<std::size_t>(shape[kX]), to_width = static_cast<std::size_t>(to_shape[kX]);
  const std::size_t columns = std::min<std::size_t>(static_cast<std::size_t>(steps[kX]), width);
  std::vector<Sum<T>> sums(width);
  for (Index z = 0; z < to_shape[kZ]; ++z)
    for (Index y = 0; y < to_shape[kY]; ++y) {
      T* const to = whole + (z * to_whole[kY] + y) * to_whole[kX];
      std::fill(sums.begin(), sums.end(), Sum<T>{});
      std::size_t rows = 0;
      for (Index i = z * steps[kZ]; i < std::min((z + 1) * steps[kZ], shape[kZ]); ++i)
        for (Index j = y * steps[kY]; j < std::min((y + 1) * steps[kY], shape[kY]); ++j, ++rows) {
          const T* const row = from + (i * shape[kY] + j) * shape[kX];
          for (std::size_t k = 0; k < width; ++k) sums[k] += row[k];
        }
      const std::size_t n = rows * columns;  // a power of two: steps are 1 or 2
      if constexpr (std::is_floating_point_v<T>) {
        const float share = 1 / static_cast<float>(n);
        bool finite = true;
        for (std::size_t x = 0; x < to_width; ++x) {
          const float sum = columns == 2 ? sums[2 * x] + sums[2 * x + 1] : sums[x];
          to[x] = sum * share;
          finite = finite && std::isfinite(sum);
        }
        std::array<float, 8> v{};
        for (std::size_t x = 0; !finite && x < to_width; ++x)
          if (!std::isfinite(to[x]))
            to[x] = mean_of_finite(v, gather(from, shape, steps, z, y, static_cast<Index>(x), v));
      } else {
        const int shift = std::countr_zero(n);
        const auto half = static_cast<Sum<T>>(n / 2);
        for (std::size_t x = 0; x < to_width; ++x) {
          const Sum<T> sum = columns == 2 ? sums[2 * x] + sums[2 * x + 1] : sums[x];
          to[x] = static_cast<T>((sum + half) >> shift);
        }
      }
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
void mode(const T* from, const Index3& shape, const Index3& steps, T* whole, const Index3& to_shape,
          const Index3& to_whole) {
  std::array<T, 8> v{};
  for (Index z = 0; z < to_shape[kZ]; ++z)
    for (Index y = 0; y < to_shape[kY]; ++y)
      for (Index x = 0; x < to_shape[kX]; ++x) {
        const int n = gather(from, shape, steps, z, y, x, v);
        whole[(z * to_whole[kY] + y) * to_whole[kX] + x] = mode_of(v.data(), n);
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
            const Index3& to_shape, const Index3& to_whole) {
  visit_dtype(dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const auto* const voxels = static_cast<const T*>(from);
    if (reduction == Reduction::mean)
      mean(voxels, from_shape, steps, static_cast<T*>(to), to_shape, to_whole);
    else
      mode(voxels, from_shape, steps, static_cast<T*>(to), to_shape, to_whole);
  });
}

}  // namespace voxflow::archive
