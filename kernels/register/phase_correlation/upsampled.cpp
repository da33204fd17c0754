#include "kernels/register/phase_correlation/upsampled.hpp"

#include <cmath>
#include <numbers>

#include "kernels/shared/parallel.hpp"

namespace voxflow::phase_correlation {

namespace {
using Complex = std::complex<double>;

// exp(2 pi i k s / n) for every frequency k and coordinate s, row k; the highest frequency of an even n is real.
class Phases {
 public:
  Phases(Index n, Index frequencies, const std::vector<double>& at) : points_(at.size()) {
    for (Index k = 0; k < frequencies; ++k)
      for (const double s : at) {
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

using Lane = std::array<float, kMostPoints>;

// The transform along x for all points at once; a frequency stands for its mirror image too.
class RowTransform {
 public:
  RowTransform(Index n, const std::vector<double>& points) {
    const Phases phases(n, n / 2 + 1, points);
    for (Index k = 0; k <= n / 2; ++k) {
      const double both = k == 0 || 2 * k == n ? 1 : 2;
      Lane c{}, s{};
      for (std::size_t p = 0; p < points.size(); ++p) {
        c[p] = static_cast<float>(both * phases.row(k)[p].real());
        s[p] = static_cast<float>(both * phases.row(k)[p].imag());
      }
      cosine_.push_back(c), sine_.push_back(s);
    }
  }

  void operator()(const float* row, Lane& re, Lane& im) const {
    re.fill(0), im.fill(0);
    for (std::size_t k = 0; k < cosine_.size(); ++k) {
      const float a = row[2 * k], b = row[2 * k + 1];
      const Lane &c = cosine_[k], &s = sine_[k];
      for (std::size_t p = 0; p < kMostPoints; ++p) re[p] += a * c[p] - b * s[p], im[p] += a * s[p] + b * c[p];
    }
  }

 private:
  std::vector<Lane> cosine_, sine_;  // by frequency
};
}  // namespace

std::vector<double> upsample(const shared::FftBuffer& spectrum, const Index3& shape, const Points& points,
                             const Context& ctx) {
  const std::size_t n_z = points[kZ].size(), n_y = points[kY].size(), n_x = points[kX].size(), n_plane = n_y * n_x;
  const Phases along_z(shape[kZ], shape[kZ], points[kZ]), along_y(shape[kY], shape[kY], points[kY]);
  const RowTransform along_x(shape[kX], points[kX]);
  std::vector<Complex> planes(static_cast<std::size_t>(shape[kZ]) * n_plane);
  shared::parallel_for(ctx, shape[kZ], [&] {
    return [&](Index z) {
      Complex* plane = planes.data() + static_cast<std::size_t>(z) * n_plane;
      Lane re{}, im{};
      for (Index y = 0; y < shape[kY]; ++y) {
        along_x(spectrum.row(z, y), re, im);
        for (std::size_t py = 0; py < n_y; ++py)
          for (std::size_t px = 0; px < n_x; ++px) plane[py * n_x + px] += along_y.row(y)[py] * Complex(re[px], im[px]);
      }
    };
  });
  std::vector<double> values(n_z * n_plane);
  for (Index z = 0; z < shape[kZ]; ++z)
    for (std::size_t pz = 0; pz < n_z; ++pz)
      for (std::size_t i = 0; i < n_plane; ++i)
        values[pz * n_plane + i] += (along_z.row(z)[pz] * planes[static_cast<std::size_t>(z) * n_plane + i]).real();
  return values;
}

std::size_t upsample_bytes(const Index3& shape) {
  return static_cast<std::size_t>(shape[kZ]) * kMostPoints * kMostPoints * sizeof(Complex) +
         static_cast<std::size_t>(shape[kX]) * 2 * sizeof(Lane);
}

void move(const shared::FftBuffer& spectrum, const Index3& shape, const Point3& shift_voxels) {
  const Index half = shape[kX] / 2 + 1;
  const Phases along_z(shape[kZ], shape[kZ], {shift_voxels[kZ]}), along_y(shape[kY], shape[kY], {shift_voxels[kY]}),
      along_x(shape[kX], half, {shift_voxels[kX]});
  const auto voxels = static_cast<double>(count(shape));
  for (Index z = 0; z < shape[kZ]; ++z)
    for (Index y = 0; y < shape[kY]; ++y) {
      const Complex of_row = *along_z.row(z) * *along_y.row(y) / voxels;
      float* v = spectrum.row(z, y);
      for (Index k = 0; k < half; ++k) {
        const Complex moved = Complex(v[2 * k], v[2 * k + 1]) * of_row * *along_x.row(k);
        v[2 * k] = static_cast<float>(moved.real()), v[2 * k + 1] = static_cast<float>(moved.imag());
      }
    }
}

}  // namespace voxflow::phase_correlation
