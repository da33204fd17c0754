#include "pipeline/phantom/score.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "pipeline/core/error.hpp"

namespace voxflow::phantom {

double psnr(std::span<const float> truth, std::span<const float> image) {
  if (truth.size() != image.size() || truth.empty()) throw InternalError("psnr of volumes of different size");
  double squares = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double d = static_cast<double>(truth[i]) - static_cast<double>(image[i]);
    squares += d * d;
  }
  if (squares == 0) return std::numeric_limits<double>::infinity();
  const auto [low, high] = std::minmax_element(truth.begin(), truth.end());
  const double peak = *high > *low ? static_cast<double>(*high) - static_cast<double>(*low) : 1;
  return 10 * std::log10(peak * peak * static_cast<double>(truth.size()) / squares);
}

double psnr_after_fit(std::span<const float> truth, std::span<const float> image) {
  if (truth.size() != image.size() || truth.empty()) throw InternalError("psnr of volumes of different size");
  const auto n = static_cast<double>(truth.size());
  double sum_t = 0, sum_i = 0, sum_ii = 0, sum_ti = 0;
  for (std::size_t k = 0; k < truth.size(); ++k) {
    const double t = truth[k], i = image[k];
    sum_t += t, sum_i += i, sum_ii += i * i, sum_ti += t * i;
  }
  const double variance = sum_ii / n - sum_i / n * (sum_i / n);
  const double factor = variance > 0 ? (sum_ti / n - sum_t / n * (sum_i / n)) / variance : 0;
  const double offset = (sum_t - factor * sum_i) / n;
  std::vector<float> fitted;
  fitted.reserve(image.size());
  for (const float v : image) fitted.push_back(static_cast<float>(factor * static_cast<double>(v) + offset));
  return psnr(truth, fitted);
}

ObjectScore match_objects(std::span<const std::uint32_t> truth, std::span<const std::uint32_t> found,
                          double least_iou) {
  if (truth.size() != found.size()) throw InternalError("objects of volumes of different size");
  std::map<std::uint32_t, std::uint64_t> truth_size, found_size;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> common;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] != 0) ++truth_size[truth[i]];
    if (found[i] != 0) ++found_size[found[i]];
    if (truth[i] != 0 && found[i] != 0) ++common[{truth[i], found[i]}];
  }
  std::vector<std::tuple<double, std::uint32_t, std::uint32_t>> pairs;  // −IoU, so that the best come first
  for (const auto& [pair, n] : common) {
    const auto both = static_cast<double>(truth_size[pair.first] + found_size[pair.second] - n);
    if (const double iou = static_cast<double>(n) / both; iou >= least_iou)
      pairs.emplace_back(-iou, pair.first, pair.second);
  }
  std::sort(pairs.begin(), pairs.end());
  std::set<std::uint32_t> truth_taken, found_taken;
  ObjectScore score{static_cast<int>(truth_size.size()), static_cast<int>(found_size.size()), 0};
  for (const auto& [iou, a, b] : pairs) {
    if (truth_taken.contains(a) || found_taken.contains(b)) continue;
    truth_taken.insert(a);
    found_taken.insert(b);
    ++score.matched;
  }
  return score;
}

}  // namespace voxflow::phantom
