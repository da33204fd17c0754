#include "kernels/deconvolve/richardson_lucy/total_variation.hpp"

#include <algorithm>
#include <cmath>

namespace voxflow::richardson_lucy {

namespace {
// Slopes below this part of the intensity, times the weight, count less. In flat places an iteration is then a step of
// diffusion, of one over this number; with six neighbours a step of more than a sixth overshoots, and leaves a
// chequerboard.
constexpr double kFlat = 6;
constexpr float kLeastDivisor = 0.3F;
}  // namespace

TotalVariation::TotalVariation(const shared::Convolution& layout, const Index3& shape, double weight, double background,
                               const Spacing3& spacing)
    : layout_(layout),
      shape_(shape),
      weight_(static_cast<float>(weight)),
      flat_(static_cast<float>(kFlat * weight)),
      background_(static_cast<float>(background)),
      stretch_{} {
  // A single plane has no z.
  const double finest =
      std::min(spacing[kY].value, shape[kZ] > 1 ? std::min(spacing[kZ].value, spacing[kX].value) : spacing[kX].value);
  for (std::size_t i = 0; i < 3; ++i) stretch_[i] = static_cast<float>(std::pow(finest / spacing[i].value, 2));
}

TotalVariation::Walk::Walk(const TotalVariation& of) : of_(of) {
  const auto [nz, ny, nx] = of.shape_;
  below_.resize(static_cast<std::size_t>(ny * nx));
  for (auto* row : {&along_z_, &along_y_, &before_y_, &along_x_}) row->resize(static_cast<std::size_t>(nx + 1));
}

// Steps to the next voxel along each axis, over the length of the gradient, of the row (z, y).
void TotalVariation::Walk::directions(const shared::FftBuffer& estimate, Index z, Index y, float* along_z,
                                      float* along_y, float* along_x) {
  const shared::Convolution& layout = of_.layout_;
  const auto [nz, ny, nx] = of_.shape_;
  const float* e = layout.row(estimate, z, y);
  const float* up = layout.row(estimate, std::min(z + 1, nz - 1), y);
  const float* next = layout.row(estimate, z, std::min(y + 1, ny - 1));
  const float sz = of_.stretch_[kZ], sy = of_.stretch_[kY], sx = of_.stretch_[kX];
  const float background = of_.background_, share = of_.flat_;
  const auto put = [&](Index x, float dx) {
    const float dz = up[x] - e[x], dy = next[x] - e[x], flat = share * (e[x] + background);
    const float length = std::sqrt(sz * dz * dz + sy * dy * dy + sx * dx * dx + flat * flat + 1e-30F);
    along_z[x] = sz * dz / length, along_y[x] = sy * dy / length, along_x[x] = sx * dx / length;
  };
  for (Index x = 0; x + 1 < nx; ++x) put(x, e[x + 1] - e[x]);
  put(nx - 1, 0);
}

void TotalVariation::Walk::direction_along_z(const shared::FftBuffer& estimate, Index z) {
  const auto [nz, ny, nx] = of_.shape_;
  if (z < 0) return std::fill(below_.begin(), below_.end(), 0.0F);
  for (Index y = 0; y < ny; ++y)
    directions(estimate, z, y, below_.data() + y * nx, along_y_.data(), along_x_.data() + 1);
}

void TotalVariation::Walk::divide(const shared::FftBuffer& estimate, Index z, const shared::FftBuffer& factor) {
  const shared::Convolution& layout = of_.layout_;
  const auto [nz, ny, nx] = of_.shape_;
  if (z != plane_ + 1 || z == 0) direction_along_z(estimate, z - 1);
  plane_ = z;
  std::fill(before_y_.begin(), before_y_.end(), 0.0F);
  for (Index y = 0; y < ny; ++y) {
    // along_x_ begins with the direction before the first voxel, which is none.
    directions(estimate, z, y, along_z_.data(), along_y_.data(), along_x_.data() + 1);
    float* below = below_.data() + y * nx;
    float* row = layout.row(factor, z, y);
    const float* ahead = along_x_.data() + 1;
    for (Index x = 0; x < nx; ++x) {
      const float divergence = (along_z_[x] - below[x]) + (along_y_[x] - before_y_[x]) + (ahead[x] - ahead[x - 1]);
      row[x] /= std::max(1 - of_.weight_ * divergence, kLeastDivisor);
      below[x] = along_z_[x];
    }
    std::swap(along_y_, before_y_);
  }
}

}  // namespace voxflow::richardson_lucy
