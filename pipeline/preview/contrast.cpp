#include "pipeline/preview/contrast.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace voxflow::preview {

namespace {
std::vector<float> finite(std::span<const float> values) {
  std::vector<float> kept;
  std::copy_if(values.begin(), values.end(), std::back_inserter(kept), [](float v) { return std::isfinite(v); });
  return kept;
}
}  // namespace

double percentile(std::span<const float> values, double percent) {
  std::vector<float> kept = finite(values);
  if (kept.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto rank = static_cast<std::ptrdiff_t>(std::lround(percent / 100 * static_cast<double>(kept.size() - 1)));
  std::nth_element(kept.begin(), kept.begin() + rank, kept.end());
  return kept[static_cast<std::size_t>(rank)];
}

Contrast robust_contrast(std::span<const float> all) {
  std::vector<float> values = finite(all);
  const auto zeros = static_cast<double>(std::count(values.begin(), values.end(), 0.0F));
  const auto share = zeros / static_cast<double>(std::max<std::size_t>(values.size(), 1));
  if (share > kLowPercentile / 100 && share < kNoDataShare) std::erase(values, 0.0F);
  const double low = percentile(values, kLowPercentile), high = percentile(values, kHighPercentile);
  if (std::isnan(low)) return {};
  return {low, high > low ? high : percentile(values, 100)};
}

Contrast logarithmic_contrast(std::span<const float> values) {
  const double high = percentile(values, 100);
  if (!(high > 0)) return {};
  return {high * std::pow(10, -kDecades), high};
}

double brightness(double value, const Contrast& contrast, Tone tone) {
  if (!(contrast.high > contrast.low) || !(value > contrast.low)) return 0;
  const double share = tone == Tone::linear ? (value - contrast.low) / (contrast.high - contrast.low)
                                            : std::log(value / contrast.low) / std::log(contrast.high / contrast.low);
  return std::min(share, 1.0);
}

}  // namespace voxflow::preview
