#include "kernels/register/apply/interpolation.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/shared/smooth.hpp"

namespace voxflow::interpolation {

namespace {
// The pole of the cubic B-spline's inverse filter. Its power falls below a float's precision within this distance.
const double kPole = std::sqrt(3.0) - 2;
constexpr Index kPrefilterReach = 12;

// Taking the inverse filter as a sum, not as a recursion, makes every voxel the same in whatever block it lies.
std::vector<float> inverse_filter() {
  std::vector<double> powers;
  double sum = 0;
  for (Index i = 0; i <= kPrefilterReach; ++i) {
    powers.push_back(std::pow(kPole, static_cast<double>(i)));
    sum += powers.back() * (i == 0 ? 1 : 2);
  }
  std::vector<float> weights;
  for (const double p : powers) weights.push_back(static_cast<float>(p / sum));
  return weights;
}

Index mirror(Index i, Index n) {
  if (n == 1) return 0;
  const Index period = 2 * (n - 1);
  i = ((i % period) + period) % period;
  return i < n ? i : period - i;
}
}  // namespace

Index reach(Kind kind) {
  return kind == Kind::linear ? 0 : kPrefilterReach + 2;
}

void prefilter(VolumeView<float> voxels, const Context& ctx) {
  const std::vector<float> weights = inverse_filter();
  shared::convolve(voxels, {weights, weights, weights}, ctx);
}

Taps taps(Kind kind, double at, Index size, Index origin) {
  Taps t;
  if (size == 1) {  // a single plane has no other voxels that way, and stands for all
    t.inside = true, t.number = 1, t.at[0] = -origin, t.weight[0] = 1;
    return t;
  }
  const auto last = static_cast<double>(size - 1);
  if (!(at >= -kTolerance_voxels && at <= last + kTolerance_voxels)) return t;
  t.inside = true;
  at = std::clamp(at, 0.0, last);
  const auto low = static_cast<Index>(at);
  const double w = at - static_cast<double>(low), v = 1 - w;
  if (kind == Kind::linear && w == 0) {
    t.number = 1, t.at[0] = low - origin, t.weight[0] = 1;
  } else if (kind == Kind::linear) {
    t.number = 2;
    t.at = {low - origin, low + 1 - origin};
    t.weight = {static_cast<float>(v), static_cast<float>(w)};
  } else {
    t.number = 4;
    for (Index k = 0; k < 4; ++k) t.at[static_cast<std::size_t>(k)] = mirror(low - 1 + k, size) - origin;
    t.weight = {static_cast<float>(v * v * v / 6), static_cast<float>(2.0 / 3 - w * w * (2 - w) / 2),
                static_cast<float>(2.0 / 3 - v * v * (2 - v) / 2), static_cast<float>(w * w * w / 6)};
  }
  return t;
}

}  // namespace voxflow::interpolation
