#include "kernels/register/phase_correlation/refine.hpp"

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "kernels/register/phase_correlation/candidates.hpp"
#include "kernels/shared/fft.hpp"
#include "kernels/shared/parallel.hpp"

namespace voxflow::phase_correlation {

namespace {
constexpr std::size_t kMostPoints = 16;
constexpr double kFine_voxels = 0.01;

using Complex = std::complex<double>;
using Weights = std::array<std::vector<double>, 3>;

// Shifts along each axis, at every combination of which the correlation is wanted.
using Points = std::array<std::vector<double>, 3>;

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

struct Moments {
  double weight = 0, sum = 0, squares = 0;
  double power() const { return squares - sum * sum / weight; }
};

// Of the voxels in `box` moved by `shift`, weighted.
Moments moments(VolumeView<const float> v, const Box3& box, const Index3& shift, const Weights& weights) {
  Moments m;
  for (Index z = 0; z < box.extent[kZ]; ++z)
    for (Index y = 0; y < box.extent[kY]; ++y) {
      const double w = weights[kZ][static_cast<std::size_t>(z)] * weights[kY][static_cast<std::size_t>(y)];
      if (w == 0) continue;
      const float* row =
          v.row(box.origin[kZ] + z + shift[kZ], box.origin[kY] + y + shift[kY]) + box.origin[kX] + shift[kX];
      Moments of_row;
      for (Index x = 0; x < box.extent[kX]; ++x) {
        const double wx = weights[kX][static_cast<std::size_t>(x)];
        if (wx == 0) continue;
        const double value = row[x];
        of_row.weight += wx, of_row.sum += wx * value, of_row.squares += wx * value * value;
      }
      m.weight += w * of_row.weight, m.sum += w * of_row.sum, m.squares += w * of_row.squares;
    }
  return m;
}

// exp(2 pi i k s / n) for every frequency k and shift s, row k; the highest frequency of an even n is real.
class Phases {
 public:
  Phases(Index n, Index frequencies, const std::vector<double>& shifts) : points_(shifts.size()) {
    for (Index k = 0; k < frequencies; ++k)
      for (const double s : shifts) {
        const Index signed_k = 2 * k > n ? k - n : k;
        const double angle = 2 * std::numbers::pi * static_cast<double>(signed_k) * s / static_cast<double>(n);
        values_.emplace_back(std::cos(angle), 2 * k == n ? 0 : std::sin(angle));
      }
  }
  const Complex* row(Index k) const { return values_.data() + static_cast<std::size_t>(k) * points_; }

 private:
  std::size_t points_;
  std::vector<Complex> values_;
};

// The correlation of two volumes as a function of the shift, from the half spectrum of a real transform.
class Correlation {
 public:
  Correlation(const shared::FftBuffer& spectrum, const Index3& shape) : spectrum_(spectrum), shape_(shape) {}

  // In raster order of the points.
  std::vector<double> at(const Points& points, const Context& ctx) const {
    const std::size_t n_z = points[kZ].size(), n_y = points[kY].size(), n_x = points[kX].size();
    const Phases along_z(shape_[kZ], shape_[kZ], points[kZ]), along_y(shape_[kY], shape_[kY], points[kY]);
    const RowTable along_x = row_table(points[kX]);
    std::vector<Complex> planes(static_cast<std::size_t>(shape_[kZ]) * n_y * n_x);
    shared::parallel_for(ctx, shape_[kZ], [&] {
      return [&](Index z) {
        Complex* plane = planes.data() + static_cast<std::size_t>(z) * n_y * n_x;
        std::array<float, kMostPoints> re{}, im{};
        for (Index y = 0; y < shape_[kY]; ++y) {
          sum_row(spectrum_.row(z, y), along_x, re, im);
          for (std::size_t py = 0; py < n_y; ++py)
            for (std::size_t px = 0; px < n_x; ++px)
              plane[py * n_x + px] += along_y.row(y)[py] * Complex(re[px], im[px]);
        }
      };
    });
    std::vector<double> values(n_z * n_y * n_x);
    for (Index z = 0; z < shape_[kZ]; ++z)
      for (std::size_t pz = 0; pz < n_z; ++pz)
        for (std::size_t i = 0; i < n_y * n_x; ++i)
          values[pz * n_y * n_x + i] +=
              (along_z.row(z)[pz] * planes[static_cast<std::size_t>(z) * n_y * n_x + i]).real();
    return values;
  }

 private:
  struct RowTable {
    std::vector<std::array<float, kMostPoints>> cosine, sine;  // by frequency
  };

  // Frequencies along x stand for their mirror image too.
  RowTable row_table(const std::vector<double>& points) const {
    RowTable table;
    const Index n = shape_[kX];
    const Phases phases(n, n / 2 + 1, points);
    for (Index k = 0; k <= n / 2; ++k) {
      const double both = k == 0 || 2 * k == n ? 1 : 2;
      std::array<float, kMostPoints> c{}, s{};
      for (std::size_t p = 0; p < points.size(); ++p)
        c[p] = static_cast<float>(both * phases.row(k)[p].real()),
        s[p] = static_cast<float>(both * phases.row(k)[p].imag());
      table.cosine.push_back(c), table.sine.push_back(s);
    }
    return table;
  }

  static void sum_row(const float* row, const RowTable& table, std::array<float, kMostPoints>& re,
                      std::array<float, kMostPoints>& im) {
    re.fill(0), im.fill(0);
    for (std::size_t k = 0; k < table.cosine.size(); ++k) {
      const float a = row[2 * k], b = row[2 * k + 1];
      const auto &c = table.cosine[k], &s = table.sine[k];
      for (std::size_t p = 0; p < kMostPoints; ++p) re[p] += a * c[p] - b * s[p], im[p] += a * s[p] + b * c[p];
    }
  }

  const shared::FftBuffer& spectrum_;
  Index3 shape_;
};

// The normalised cross-correlation around one whole-voxel shift.
class Landscape {
 public:
  Landscape(VolumeView<const float> fixed, VolumeView<const float> moving, const Index3& near, const Index3& largest,
            const Context& ctx)
      : ctx_(ctx), box_(overlap(fixed.shape(), near)), shape_(shared::fast_shape(box_.extent)), spectrum_(shape_) {
    for (std::size_t i = 0; i < 3; ++i) {
      reach_[i] = largest[i] > 0 ? std::min<Index>(kRefineReach, (box_.extent[i] - 1) / 2) : 0;
      weights_[i] = taper(box_.extent[i], reach_[i]);
    }
    measure(fixed, moving, near);
    transform(fixed, moving, near);
  }

  const Index3& reach() const { return reach_; }

  // In raster order of the points; nothing when cancelled.
  std::vector<double> at(const Points& points) const {
    std::vector<double> values = Correlation(spectrum_, shape_).at(points, ctx_);
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

 private:
  // The moving volume's power changes smoothly with the shift: a parabola along each axis.
  void measure(VolumeView<const float> fixed, VolumeView<const float> moving, const Index3& near) {
    const Moments of_fixed = moments(fixed, box_, {0, 0, 0}, weights_);
    fixed_mean_ = of_fixed.sum / of_fixed.weight;
    fixed_power_ = of_fixed.power();
    std::array<Moments, 7> of_moving;
    shared::parallel_for(ctx_, 7, [&] {
      return [&](Index i) {
        Index3 shift = near;
        const auto axis = static_cast<std::size_t>((i + 1) / 2 - 1);
        if (i > 0 && reach_[axis] == 0) return;
        if (i > 0) shift[axis] += i % 2 == 0 ? 1 : -1;
        of_moving[static_cast<std::size_t>(i)] = moments(moving, box_, shift, weights_);
      };
    });
    moving_mean_ = of_moving[0].sum / of_moving[0].weight;
    power_ = of_moving[0].power();
    for (std::size_t i = 0; i < 3; ++i) {
      if (reach_[i] == 0) continue;
      const double before = of_moving[2 * i + 1].power(), after = of_moving[2 * i + 2].power();
      slope_[i] = (after - before) / 2, bend_[i] = (after + before) / 2 - power_;
    }
  }

  double moving_power(const Point3& s) const {
    double power = power_;
    for (std::size_t i = 0; i < 3; ++i) power += slope_[i] * s[i] + bend_[i] * s[i] * s[i];
    return power;
  }

  // The cross-power spectrum of the tapered fixed volume and the moving one.
  void transform(VolumeView<const float> fixed, VolumeView<const float> moving, const Index3& near) {
    const shared::Fft fft(shape_);
    const shared::FftBuffer other(shape_);
    shared::parallel_for(ctx_, 2, [&] {
      return [&](Index i) {
        const shared::FftBuffer& to = i == 0 ? spectrum_ : other;
        to.fill(0);
        for (Index z = 0; z < box_.extent[kZ]; ++z)
          for (Index y = 0; y < box_.extent[kY]; ++y)
            i == 0 ? fill_fixed(fixed, z, y) : fill_moving(moving, near, z, y, other);
        fft.forward(to);
      };
    });
    const auto voxels = static_cast<float>(count(shape_));
    float* f = spectrum_.data();
    const float* m = other.data();
    for (std::size_t i = 0; i < spectrum_.size(); i += 2) {
      const float a = f[i] / voxels, b = f[i + 1] / voxels;
      const float re = a * m[i] + b * m[i + 1], im = a * m[i + 1] - b * m[i];
      f[i] = re, f[i + 1] = im;
    }
  }

  void fill_fixed(VolumeView<const float> fixed, Index z, Index y) const {
    const float* from = fixed.row(box_.origin[kZ] + z, box_.origin[kY] + y) + box_.origin[kX];
    float* to = spectrum_.row(z, y);
    const double w = weights_[kZ][static_cast<std::size_t>(z)] * weights_[kY][static_cast<std::size_t>(y)];
    for (Index x = 0; x < box_.extent[kX]; ++x)
      to[x] = static_cast<float>(w * weights_[kX][static_cast<std::size_t>(x)] *
                                 (static_cast<double>(from[x]) - fixed_mean_));
  }

  void fill_moving(VolumeView<const float> moving, const Index3& near, Index z, Index y,
                   const shared::FftBuffer& into) const {
    const float* from =
        moving.row(box_.origin[kZ] + z + near[kZ], box_.origin[kY] + y + near[kY]) + box_.origin[kX] + near[kX];
    float* to = into.row(z, y);
    for (Index x = 0; x < box_.extent[kX]; ++x) to[x] = static_cast<float>(static_cast<double>(from[x]) - moving_mean_);
  }

  const Context& ctx_;
  Box3 box_;  // in the fixed volume
  Index3 shape_, reach_{};
  shared::FftBuffer spectrum_;
  Weights weights_;
  double fixed_mean_ = 0, fixed_power_ = 0, moving_mean_ = 0, power_ = 0;
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

// The top of the parabola through the peak and its neighbours along each axis.
Point3 vertex(const std::vector<double>& values, const Points& points, const Peak& peak) {
  const std::size_t n_x = points[kX].size(), n_y = points[kY].size();
  const std::array<std::size_t, 3> step{n_y * n_x, n_x, 1};
  const std::size_t at = (peak.at[kZ] * n_y + peak.at[kY]) * n_x + peak.at[kX];
  Point3 top{};
  for (std::size_t i = 0; i < 3; ++i) {
    top[i] = points[i][peak.at[i]];
    if (peak.at[i] == 0 || peak.at[i] + 1 >= points[i].size()) continue;
    const double before = values[at - step[i]], after = values[at + step[i]];
    const double bend = before - 2 * values[at] + after;
    if (bend < 0) top[i] += 0.5 * (before - after) / bend * (points[i][1] - points[i][0]);
  }
  return top;
}

// `steps` on both sides of `centre`, within the reach; an axis that is not searched has one point.
Points points_around(const Point3& centre, double step, int steps, const Index3& reach) {
  Points points;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto most = static_cast<double>(reach[i]);
    for (int k = reach[i] > 0 ? -steps : 0; k <= (reach[i] > 0 ? steps : 0); ++k)
      if (const double s = centre[i] + step * k; std::abs(s) <= most + 1e-9) points[i].push_back(s);
  }
  return points;
}
}  // namespace

Match refine(VolumeView<const float> fixed, VolumeView<const float> moving, const Index3& near, const Index3& largest,
             const Context& ctx) {
  const Landscape landscape(fixed, moving, near, largest, ctx);
  if (ctx.cancelled()) return {};
  constexpr double kCoarse_voxels = 0.25;
  constexpr int kCoarseSteps = 7, kFineSteps = 5, kMostMoves = 5;
  const Points coarse = points_around({0, 0, 0}, kCoarse_voxels, kCoarseSteps, landscape.reach());
  std::vector<double> values = landscape.at(coarse);
  Point3 centre = vertex(values, coarse, highest(values, coarse));
  Match found;
  for (int move = 0; move < kMostMoves; ++move) {
    for (double& c : centre) c = std::round(c / kFine_voxels) * kFine_voxels;
    const Points fine = points_around(centre, kFine_voxels, kFineSteps, landscape.reach());
    values = landscape.at(fine);
    const Peak peak = highest(values, fine);
    centre = vertex(values, fine, peak);
    found.score = peak.value;
    bool inside = true;
    for (std::size_t i = 0; i < 3; ++i)
      inside = inside && (fine[i].size() == 1 || (peak.at[i] > 0 && peak.at[i] + 1 < fine[i].size()));
    if (inside) break;
  }
  for (std::size_t i = 0; i < 3; ++i) found.shift_voxels[i] = static_cast<double>(near[i]) + centre[i];
  return found;
}

std::size_t refine_bytes(const Index3& shape) {
  const auto planes = static_cast<std::size_t>(shared::fast_size(shape[kZ])) * kMostPoints * kMostPoints;
  return 2 * shared::fft_bytes(shared::fast_shape(shape)) + planes * sizeof(Complex);
}

}  // namespace voxflow::phase_correlation
