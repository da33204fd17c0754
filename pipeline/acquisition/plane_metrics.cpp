#include "pipeline/acquisition/plane_metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace voxflow::acquisition {

namespace {
/// Sums run in so many lanes, added in a fixed order: the compiler may vectorise them, and they are the same
/// everywhere.
constexpr std::size_t kLanes = 16;
/// By how many standard deviations of noise a hot pixel stands out of its neighbours.
constexpr float kSpike = 6;
/// A noiseless image has no finite ratio; this one is beyond every limit.
constexpr double kMostSignalToNoise = 1e6;

class LaneSum {
 public:
  /// Adds term(0) to term(n - 1), the terms of one row.
  template <class F>
  void add(std::size_t n, F&& term) {
    std::array<float, kLanes> row{};
    std::size_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
      for (std::size_t l = 0; l < kLanes; ++l) row[l] += term(i + l);
    for (std::size_t l = 0; i + l < n; ++l) row[l] += term(i + l);
    for (std::size_t l = 0; l < kLanes; ++l) lanes_[l] += static_cast<double>(row[l]);
  }
  double total() const { return std::accumulate(lanes_.begin(), lanes_.end(), 0.0); }

 private:
  std::array<double, kLanes> lanes_{};
};

/// A row as float, relative to the plane's first number, so that sums of squares stay exact.
template <class T>
struct Rows {
  const T* voxels;
  std::size_t width;
  float pivot;
  std::array<std::vector<float>, 3> ring;

  const float* load(std::size_t y) {
    std::vector<float>& row = ring[y % 3];
    row.resize(width);
    const T* from = voxels + y * width;
    for (std::size_t x = 0; x < width; ++x) {
      const float v = static_cast<float>(from[x]) - pivot;
      if constexpr (std::is_floating_point_v<T>)
        row[x] = std::isfinite(v) ? v : 0;
      else
        row[x] = v;
    }
    return row.data();
  }
  const float* at(std::size_t y) const { return ring[y % 3].data(); }
};

template <class T>
std::uint64_t count_at_least(const T* voxels, std::size_t n, T level) {
  std::uint32_t found = 0;  // a plane has fewer voxels than it counts
  for (std::size_t i = 0; i < n; ++i) found += voxels[i] >= level ? 1 : 0;
  return found;
}

template <class T>
std::optional<T> level_of(const std::optional<double>& maximum) {
  if (!maximum || *maximum > static_cast<double>(std::numeric_limits<T>::max())) return std::nullopt;
  return static_cast<T>(std::ceil(*maximum));
}

template <class T>
void count_values(const T* voxels, std::size_t n, const std::optional<double>& maximum, PlaneMetrics& m) {
  m.voxels = n;
  T low = std::numeric_limits<T>::max(), high = std::numeric_limits<T>::lowest();
  for (std::size_t i = 0; i < n; ++i) {
    low = voxels[i] < low ? voxels[i] : low;
    high = voxels[i] > high ? voxels[i] : high;
  }
  if (const auto level = level_of<T>(maximum); level && high >= *level) m.saturated = count_at_least(voxels, n, *level);
  if constexpr (std::is_floating_point_v<T>)
    for (std::size_t i = 0; i < n; ++i) m.nan += std::isnan(voxels[i]) ? 1 : 0;
  m.blank = low >= high;
}

template <class T>
void find_spikes(const T* voxels, std::size_t height, std::size_t width, float threshold,
                 std::vector<std::uint32_t>& spikes) {
  std::vector<std::uint8_t> stands_out(width);
  for (std::size_t y = 1; y + 1 < height; ++y) {
    const T* row = voxels + y * width;
    unsigned any = 0;
    for (std::size_t x = 1; x + 1 < width; ++x) {
      const T around = std::max(std::max(row[x - 1], row[x + 1]), std::max(row[x - width], row[x + width]));
      const bool out = static_cast<float>(row[x]) > static_cast<float>(around) + threshold;
      stands_out[x] = out ? 1 : 0;
      any |= out ? 1U : 0U;
    }
    if (any == 0) continue;
    for (std::size_t x = 1; x + 1 < width; ++x)
      if (stands_out[x] != 0) spikes.push_back(static_cast<std::uint32_t>(y * width + x));
  }
}

template <class T>
PlaneMetrics measure(const T* voxels, std::size_t height, std::size_t width, const std::optional<double>& maximum,
                     std::vector<std::uint32_t>& spikes) {
  PlaneMetrics m;
  const std::size_t n = height * width;
  count_values(voxels, n, maximum, m);
  if (m.blank || m.nan == n) return m;
  const T* first = voxels;
  if constexpr (std::is_floating_point_v<T>)
    first = std::find_if(voxels, voxels + n, [](T v) { return std::isfinite(v); });
  if (first == voxels + n) return m;
  Rows<T> rows{voxels, width, static_cast<float>(*first), {}};
  LaneSum total, squares, differences, laplacian;
  for (std::size_t y = 0; y < height; ++y) {
    const float* row = rows.load(y);
    total.add(width, [&](std::size_t x) { return row[x]; });
    squares.add(width, [&](std::size_t x) { return row[x] * row[x]; });
    if (width > 2)
      differences.add(width - 2, [&](std::size_t x) { return (row[x + 2] - row[x]) * (row[x + 2] - row[x]); });
    if (y < 2 || width < 3) continue;
    const float *above = rows.at(y - 2), *middle = rows.at(y - 1);
    laplacian.add(width - 2, [&](std::size_t x) {
      const float sides = above[x + 1] + row[x + 1] + middle[x] + middle[x + 2];
      const float corners = above[x] + above[x + 2] + row[x] + row[x + 2];
      return std::abs(4 * middle[x + 1] - 2 * sides + corners);
    });
  }
  const double numbers = static_cast<double>(n - m.nan), mean = total.total() / numbers;
  m.variance = std::max(0.0, squares.total() / numbers - mean * mean);
  if (width < 3) return m;
  m.difference = differences.total() / static_cast<double>(height * (width - 2));
  if (height < 3) return m;
  m.noise =
      std::sqrt(std::numbers::pi / 2) * laplacian.total() / (6.0 * static_cast<double>((height - 2) * (width - 2)));
  if (m.noise > 0) find_spikes(voxels, height, width, kSpike * static_cast<float>(m.noise), spikes);
  return m;
}
}  // namespace

double PlaneMetrics::signal_to_noise() const {
  const double signal = std::max(0.0, variance - noise * noise);
  if (signal == 0) return 0;
  return noise == 0 ? kMostSignalToNoise : std::min(kMostSignalToNoise, std::sqrt(signal) / noise);
}

double PlaneMetrics::focus() const {
  const double signal = variance - noise * noise;
  return signal <= 0 ? 0 : std::max(0.0, difference / 2 - noise * noise) / signal;
}

PlaneMetrics measure_plane(DType type, const void* voxels, Index height, Index width, std::optional<double> maximum,
                           std::vector<std::uint32_t>& spikes) {
  return visit_dtype(type, [&]<class T>(T*) {
    return measure(static_cast<const T*>(voxels), static_cast<std::size_t>(height), static_cast<std::size_t>(width),
                   maximum, spikes);
  });
}

}  // namespace voxflow::acquisition
