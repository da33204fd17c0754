#include "kernels/register/phase_correlation/match.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/register/phase_correlation/candidates.hpp"
#include "kernels/register/phase_correlation/refine.hpp"
#include "kernels/shared/smooth.hpp"

namespace voxflow::phase_correlation {

namespace {
// Candidates are looked for in every second voxel of an axis this long: smoothed volumes lose nothing by it.
constexpr Index kLongAxis_voxels = 48;

struct Volume {
  Index3 shape{};
  std::vector<float> voxels;
  VolumeView<float> view() { return {voxels.data(), shape}; }
  VolumeView<const float> view() const { return {voxels.data(), shape}; }
};

// Mean 0 and variance 1, so that intensities of any size are far from the ends of float.
void standardise(std::vector<float>& voxels) {
  const auto n = static_cast<double>(voxels.size());
  double sum = 0, squares = 0;
  for (const float v : voxels) sum += static_cast<double>(v);
  const double mean = sum / n;
  for (const float v : voxels) squares += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
  const double deviation = std::sqrt(squares / n);
  for (float& v : voxels) v = static_cast<float>((static_cast<double>(v) - mean) / deviation);
}

Volume smoothed(VolumeView<const float> from, double sigma_voxels, const Context& ctx) {
  Volume to{from.shape(), std::vector<float>(static_cast<std::size_t>(count(from.shape())))};
  copy_voxels<float>(from, to.view());
  standardise(to.voxels);
  shared::smooth(to.view(), {sigma_voxels, sigma_voxels, sigma_voxels}, ctx);
  return to;
}

Index3 strides(const Index3& shape) {
  Index3 stride{};
  for (std::size_t i = 0; i < 3; ++i) stride[i] = shape[i] >= kLongAxis_voxels ? 2 : 1;
  return stride;
}

Index3 thinned_shape(const Index3& shape) {
  const Index3 stride = strides(shape);
  Index3 thin{};
  for (std::size_t i = 0; i < 3; ++i) thin[i] = (shape[i] + stride[i] - 1) / stride[i];
  return thin;
}

Volume thinned(const Volume& from) {
  const Index3 stride = strides(from.shape);
  Volume to{thinned_shape(from.shape), {}};
  to.voxels.reserve(static_cast<std::size_t>(count(to.shape)));
  for (Index z = 0; z < from.shape[kZ]; z += stride[kZ])
    for (Index y = 0; y < from.shape[kY]; y += stride[kY])
      for (Index x = 0; x < from.shape[kX]; x += stride[kX]) to.voxels.push_back(from.view()(z, y, x));
  return to;
}

Index3 largest_shifts(const Index3& shape, double part) {
  Index3 largest{};
  for (std::size_t i = 0; i < 3; ++i) largest[i] = largest_shift(shape[i], part);
  return largest;
}

class Search {
 public:
  Search(Volume fixed, Volume moving, const MatchOptions& options, const Context& ctx)
      : fixed_(std::move(fixed)),
        moving_(std::move(moving)),
        options_(options),
        ctx_(ctx),
        largest_(largest_shifts(fixed_.shape, options.largest)) {}

  Match run() {
    Match best = best_of(Window::none);
    // Where structures are cut off at the faces, their edges may hide the peak.
    if (best.score < options_.enough && !ctx_.cancelled())
      if (const Match other = best_of(Window::hann); other.score > best.score) best = other;
    return best;
  }

 private:
  Match best_of(Window window) const {
    std::vector<Candidate> candidates;
    {
      const Volume f = thinned(fixed_), m = thinned(moving_);
      candidates = find_candidates(f.view(), m.view(), largest_shifts(f.shape, options_.largest), window, ctx_);
    }
    constexpr std::size_t kRefined = 3;
    constexpr double kNearlyAsGood = 0.8;
    Match best;
    double largest_gain = -1;
    for (std::size_t i = 0; i < std::min(kRefined, candidates.size()) && !ctx_.cancelled(); ++i) {
      if (i > 0 && candidates[i].gain < kNearlyAsGood * candidates.front().gain) break;
      const Match refined = climb(candidates[i].shift);
      const double gain = likelihood_gain(fixed_.shape, refined.shift_voxels, refined.score);
      if (gain > largest_gain) best = refined, largest_gain = gain;
    }
    return best;
  }

  // Refines, from where that leads again, while the top lies at the border of what is looked at.
  Match climb(const Index3& thin_shift) const {
    constexpr int kMostSteps = 6;
    constexpr double kInside_voxels = 1.25;
    const Index3 stride = strides(fixed_.shape);
    Index3 near{};
    for (std::size_t i = 0; i < 3; ++i) near[i] = std::clamp(thin_shift[i] * stride[i], -largest_[i], largest_[i]);
    Match found;
    for (int step = 0; step < kMostSteps && !ctx_.cancelled(); ++step) {
      found = refine(fixed_.view(), moving_.view(), near, largest_, ctx_);
      Index3 next = near;
      for (std::size_t i = 0; i < 3; ++i)
        if (std::abs(found.shift_voxels[i] - static_cast<double>(near[i])) > kInside_voxels)
          next[i] = std::clamp<Index>(std::lround(found.shift_voxels[i]), -largest_[i], largest_[i]);
      if (next == near) break;
      near = next;
    }
    return found;
  }

  Volume fixed_, moving_;
  MatchOptions options_;
  const Context& ctx_;
  Index3 largest_;
};
}  // namespace

double Match::evidence() const {
  constexpr double kMost = 1 - 1e-6;
  constexpr double kBestOfMany = 3.5;
  const double fisher = std::atanh(std::clamp(score, -kMost, kMost));
  return fisher * std::min(std::sqrt(structures), std::sqrt(grains) / kBestOfMany);
}

Index largest_shift(Index size, double part) {
  if (size < kFewestVoxels) return 0;
  return std::min(static_cast<Index>(std::floor(part * static_cast<double>(size))), size - kFewestVoxels / 2);
}

Match match(VolumeView<const float> fixed, VolumeView<const float> moving, const MatchOptions& options,
            const Context& ctx) {
  Volume f = smoothed(fixed, options.smoothing_voxels, ctx), m = smoothed(moving, options.smoothing_voxels, ctx);
  if (ctx.cancelled()) return {};
  return Search(std::move(f), std::move(m), options, ctx).run();
}

std::size_t match_bytes(const Index3& shape, const MatchOptions& options) {
  constexpr std::size_t kMostThreads = 64;
  const auto n = static_cast<std::size_t>(count(shape));
  const Index3 thin = thinned_shape(shape);
  const Index3 padded = padded_shape(thin, largest_shifts(thin, options.largest));
  const std::size_t threads =
      std::min<std::size_t>(kMostThreads, static_cast<std::size_t>(std::max(shape[kZ], shape[kY])));
  const std::size_t searching =
      2 * static_cast<std::size_t>(count(thin)) * sizeof(float) + 2 * shared::fft_bytes(padded);
  // What was freed after the search is not always given back before the refinement.
  return 2 * n * sizeof(float) + std::max(threads * shared::smooth_bytes(shape), searching) + refine_bytes(shape);
}

}  // namespace voxflow::phase_correlation
