#include "kernels/register/phase_correlation/refine.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/register/phase_correlation/candidates.hpp"
#include "kernels/register/phase_correlation/upsampled.hpp"
#include "kernels/shared/parallel.hpp"

namespace voxflow::phase_correlation {

namespace {
using Weights = std::array<std::vector<double>, 3>;

// Zero where a shifted voxel may lie outside, then a soft step, so that no structure comes in or goes out abruptly.
std::vector<double> taper(Index n, Index reach) {
  std::vector<double> w(static_cast<std::size_t>(n), 1.0);
  const Index inside = n - 2 * reach;
  const Index ramp = reach == 0 ? 0 : inside / 10;
  for (Index i = 0; i < n; ++i) {
    const Index edge = std::min(i, n - 1 - i) - reach;
    if (edge < 0)
      w[static_cast<std::size_t>(i)] = 0;
    else if (edge < ramp)
      w[static_cast<std::size_t>(i)] =
          0.5 - 0.5 * std::cos(std::numbers::pi * (static_cast<double>(edge) + 0.5) / static_cast<double>(ramp));
  }
  return w;
}

// Calls f(weight, row_of(z, y)) for the rows of `extent` that count.
template <class RowOf, class F>
void for_each_row(const Index3& extent, const Weights& weights, const RowOf& row_of, const F& f) {
  for (Index z = 0; z < extent[kZ]; ++z)
    for (Index y = 0; y < extent[kY]; ++y) {
      const double w = weights[kZ][static_cast<std::size_t>(z)] * weights[kY][static_cast<std::size_t>(y)];
      if (w > 0) f(w, row_of(z, y));
    }
}

struct Moments {
  double weight = 0, sum = 0, squares = 0;
  double mean() const { return sum / weight; }
  double power() const { return squares - sum * sum / weight; }
};

template <class RowOf>
Moments moments(const Index3& extent, const Weights& weights, const RowOf& row_of) {
  Moments m;
  for_each_row(extent, weights, row_of, [&](double w, const float* row) {
    Moments of_row;
    for (Index x = 0; x < extent[kX]; ++x) {
      const double wx = weights[kX][static_cast<std::size_t>(x)], value = row[x];
      of_row.weight += wx, of_row.sum += wx * value, of_row.squares += wx * value * value;
    }
    m.weight += w * of_row.weight, m.sum += w * of_row.sum, m.squares += w * of_row.squares;
  });
  return m;
}

// The normalised cross-correlation around one whole-voxel shift.
class Landscape {
 public:
  Landscape(VolumeView<const float> fixed, VolumeView<const float> moving, const Index3& near, const Index3& largest,
            const Context& ctx)
      : fixed_(fixed),
        moving_(moving),
        near_(near),
        ctx_(ctx),
        box_(overlap(fixed.shape(), near)),
        shape_(shared::fast_shape(box_.extent)),
        fft_(shape_),
        spectrum_(shape_) {
    for (std::size_t i = 0; i < 3; ++i) {
      reach_[i] = largest[i] > 0 ? std::min<Index>(kRefineReach, (box_.extent[i] - 1) / 2) : 0;
      weights_[i] = taper(box_.extent[i], reach_[i]);
    }
    measure();
    transform();
  }

  const Index3& reach() const { return reach_; }

  // At shifts from the whole-voxel one.
  std::vector<double> at(const Points& points) const {
    std::vector<double> values = upsample(spectrum_, shape_, points, ctx_);
    std::size_t i = 0;
    for (const double z : points[kZ])
      for (const double y : points[kY])
        for (const double x : points[kX]) {
          const double power = fixed_power_ * moving_power({z, y, x});
          values[i] = power > 0 ? values[i] / std::sqrt(power) : 0;
          ++i;
        }
    return values;
  }

  // Score and structures of the moving volume's voxels as they are under `shift`. Ends the use of `at`.
  Match verify(const Point3& shift) const {
    Match match;
    fill_moving(spectrum_);
    move(spectrum_, shape_, shift);
    fft_.backward(spectrum_);
    const auto fixed_row = [&](Index z, Index y) { return row_of_fixed(z, y); };
    const auto moved_row = [&](Index z, Index y) -> const float* { return spectrum_.row(z, y); };
    const double fixed_mean = moments(box_.extent, weights_, fixed_row).mean();
    const Moments moved = moments(box_.extent, weights_, moved_row);
    const double moved_mean = moved.mean();
    double ff = 0, mm = 0, fm = 0, f4 = 0, m4 = 0;
    const auto rows = [&](Index z, Index y) { return std::pair(fixed_row(z, y), moved_row(z, y)); };
    for_each_row(box_.extent, weights_, rows, [&](double weight, const std::pair<const float*, const float*>& row) {
      for (Index x = 0; x < box_.extent[kX]; ++x) {
        const double w = weight * weights_[kX][static_cast<std::size_t>(x)];
        const double f = row.first[x] - fixed_mean, m = row.second[x] - moved_mean;
        ff += w * f * f, mm += w * m * m, fm += w * f * m, f4 += w * f * f * f * f, m4 += w * m * m * m * m;
      }
    });
    if (!(ff > 0 && mm > 0)) return match;
    match.score = fm / std::sqrt(ff * mm);
    match.structures = std::min(ff * ff / f4, mm * mm / m4) / structure_voxels_;
    match.grains = moved.weight / structure_voxels_;
    return match;
  }

 private:
  const float* row_of_fixed(Index z, Index y) const {
    return fixed_.row(box_.origin[kZ] + z, box_.origin[kY] + y) + box_.origin[kX];
  }
  const float* row_of_moving(const Index3& shift, Index z, Index y) const {
    return moving_.row(box_.origin[kZ] + z + shift[kZ], box_.origin[kY] + y + shift[kY]) + box_.origin[kX] + shift[kX];
  }

  // The moving volume's power changes smoothly with the shift: its logarithm is a parabola along each axis.
  void measure() {
    const Moments of_fixed = moments(box_.extent, weights_, [&](Index z, Index y) { return row_of_fixed(z, y); });
    fixed_mean_ = of_fixed.mean(), fixed_power_ = of_fixed.power();
    std::array<Moments, 7> of_moving;  // here, then one voxel before and behind along each axis
    shared::parallel_for(ctx_, 7, [&] {
      return [&](Index i) {
        Index3 shift = near_;
        if (i > 0) {
          const auto axis = static_cast<std::size_t>((i - 1) / 2);
          if (reach_[axis] == 0) return;
          shift[axis] += i % 2 == 0 ? 1 : -1;
        }
        of_moving[static_cast<std::size_t>(i)] =
            moments(box_.extent, weights_, [&](Index z, Index y) { return row_of_moving(shift, z, y); });
      };
    });
    moving_mean_ = of_moving[0].mean(), moving_power_ = of_moving[0].power();
    for (std::size_t i = 0; i < 3; ++i) {
      const double before = of_moving[2 * i + 1].power(), behind = of_moving[2 * i + 2].power();
      if (reach_[i] == 0 || !(before > 0 && behind > 0 && moving_power_ > 0)) continue;
      slope_[i] = std::log(behind / before) / 2;
      bend_[i] = std::log(behind / moving_power_ * (before / moving_power_)) / 2;
    }
  }

  double moving_power(const Point3& shift) const {
    double change = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const double s = std::clamp(shift[i], -1.0, 1.0);
      change += slope_[i] * s + bend_[i] * s * s;
    }
    return moving_power_ * std::exp(change);
  }

  // The cross-power spectrum of the tapered fixed volume and the moving one.
  void transform() {
    const shared::FftBuffer other(shape_);
    shared::parallel_for(ctx_, 2,
                         [&] { return [&](Index i) { i == 0 ? fill_fixed(spectrum_) : fill_moving(other); }; });
    const double scale = 1 / static_cast<double>(count(shape_));
    float* f = spectrum_.data();
    const float* m = other.data();
    double fixed_power = 0, moving_power = 0, common_power = 0;
    for (std::size_t i = 0; i < spectrum_.size(); i += 2) {
      const double a = f[i], b = f[i + 1], c = m[i], d = m[i + 1];
      fixed_power += a * a + b * b, moving_power += c * c + d * d;
      common_power += (a * a + b * b) * (c * c + d * d);
      f[i] = static_cast<float>((a * c + b * d) * scale), f[i + 1] = static_cast<float>((a * d - b * c) * scale);
    }
    // By Bartlett's formula: the voxels that are alike by chance with each other's neighbours.
    const auto frequencies = static_cast<double>(spectrum_.size() / 2);
    structure_voxels_ = std::max(1.0, frequencies * common_power / (fixed_power * moving_power));
  }

  void fill_fixed(const shared::FftBuffer& to) const {
    to.fill(0);
    for_each_row(
        box_.extent, weights_, [](Index z, Index y) { return std::pair(z, y); },
        [&](double w, const std::pair<Index, Index>& at) {
          const float* from = row_of_fixed(at.first, at.second);
          float* row = to.row(at.first, at.second);
          for (Index x = 0; x < box_.extent[kX]; ++x)
            row[x] = static_cast<float>(w * weights_[kX][static_cast<std::size_t>(x)] *
                                        (static_cast<double>(from[x]) - fixed_mean_));
        });
    fft_.forward(to);
  }

  void fill_moving(const shared::FftBuffer& to) const {
    to.fill(0);
    for (Index z = 0; z < box_.extent[kZ]; ++z)
      for (Index y = 0; y < box_.extent[kY]; ++y) {
        const float* from = row_of_moving(near_, z, y);
        float* row = to.row(z, y);
        for (Index x = 0; x < box_.extent[kX]; ++x)
          row[x] = static_cast<float>(static_cast<double>(from[x]) - moving_mean_);
      }
    fft_.forward(to);
  }

  VolumeView<const float> fixed_, moving_;
  Index3 near_;
  const Context& ctx_;
  Box3 box_;  // in the fixed volume
  Index3 shape_, reach_{};
  shared::Fft fft_;
  shared::FftBuffer spectrum_;
  Weights weights_;
  double fixed_mean_ = 0, fixed_power_ = 0, moving_mean_ = 0, moving_power_ = 0, structure_voxels_ = 1;
  Point3 slope_{}, bend_{};
};

// The highest value of a raster of points and where it is.
struct Peak {
  std::array<std::size_t, 3> at{};
  double value = 0;
};

Peak highest(const std::vector<double>& values, const Points& points) {
  const auto best = static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
  const std::size_t n_x = points[kX].size(), n_y = points[kY].size();
  return {{best / (n_y * n_x), best / n_x % n_y, best % n_x}, values[best]};
}

bool is_inside(const Peak& peak, const Points& points) {
  for (std::size_t i = 0; i < 3; ++i)
    if (points[i].size() > 1 && (peak.at[i] == 0 || peak.at[i] + 1 >= points[i].size())) return false;
  return true;
}

// The top of the parabola through the peak and its neighbours along each axis.
Point3 vertex(const std::vector<double>& values, const Points& points, const Peak& peak) {
  const std::size_t n_x = points[kX].size(), n_y = points[kY].size();
  const std::array<std::size_t, 3> step{n_y * n_x, n_x, 1};
  const std::size_t at = (peak.at[kZ] * n_y + peak.at[kY]) * n_x + peak.at[kX];
  Point3 top{};
  for (std::size_t i = 0; i < 3; ++i) {
    top[i] = points[i][peak.at[i]];
    if (peak.at[i] == 0 || peak.at[i] + 1 >= points[i].size()) continue;
    const double before = values[at - step[i]], behind = values[at + step[i]];
    const double bend = before - 2 * values[at] + behind;
    if (bend < 0) top[i] += 0.5 * (before - behind) / bend * (points[i][1] - points[i][0]);
  }
  return top;
}

// `steps` on both sides of `centre`, within the reach; an axis that is not searched has one point.
Points points_around(const Point3& centre, double step, int steps, const Index3& reach) {
  Points points;
  for (std::size_t i = 0; i < 3; ++i) {
    if (reach[i] == 0) {
      points[i].push_back(0);
      continue;
    }
    for (int k = -steps; k <= steps; ++k)
      if (const double s = centre[i] + step * k; std::abs(s) <= static_cast<double>(reach[i])) points[i].push_back(s);
  }
  return points;
}
}  // namespace

Match refine(VolumeView<const float> fixed, VolumeView<const float> moving, const Index3& near, const Index3& largest,
             const Context& ctx) {
  constexpr double kCoarse_voxels = 0.25, kFine_voxels = 0.01;
  constexpr int kCoarseSteps = 7, kFineSteps = 5, kMostMoves = 5;
  const Landscape landscape(fixed, moving, near, largest, ctx);
  if (ctx.cancelled()) return {};
  const Points coarse = points_around({0, 0, 0}, kCoarse_voxels, kCoarseSteps, landscape.reach());
  std::vector<double> values = landscape.at(coarse);
  Point3 centre = vertex(values, coarse, highest(values, coarse));
  for (int move = 0; move < kMostMoves; ++move) {
    for (double& c : centre) c = std::round(c / kFine_voxels) * kFine_voxels;
    const Points fine = points_around(centre, kFine_voxels, kFineSteps, landscape.reach());
    values = landscape.at(fine);
    const Peak peak = highest(values, fine);
    centre = vertex(values, fine, peak);
    if (is_inside(peak, fine)) break;
  }
  Match found = landscape.verify(centre);
  for (std::size_t i = 0; i < 3; ++i) found.shift_voxels[i] = static_cast<double>(near[i]) + centre[i];
  return found;
}

std::size_t refine_bytes(const Index3& shape) {
  const Index3 padded = shared::fast_shape(shape);
  return 2 * shared::fft_bytes(padded) + upsample_bytes(padded);
}

}  // namespace voxflow::phase_correlation
