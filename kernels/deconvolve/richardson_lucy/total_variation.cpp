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

// Steps to the next voxel along each axis, over the length of the gradient.
struct Ascent {
  float z, y, x;
};

inline Ascent ascent(const TotalVariation::Scales& s, float here, float above, float next, float right) {
  const float dz = above - here, dy = next - here, dx = right - here, flat = s.flat * (here + s.background);
  const float over = 1 / std::sqrt(s.z * dz * dz + s.y * dy * dy + s.x * dx * dx + flat * flat + 1e-30F);
  return {s.z * dz * over, s.y * dy * over, s.x * dx * over};
}

// Of one row of `nx` voxels, with the rows above it and next to it. Without __restrict the loop is not vectorised.
void find_ascents(TotalVariation::Scales scales, Index nx, const float* here, const float* above, const float* next,
                  float* __restrict along_z, float* __restrict along_y, float* __restrict along_x) {
  const auto put = [&](Index x, const Ascent& d) { along_z[x] = d.z, along_y[x] = d.y, along_x[x] = d.x; };
  for (Index x = 0; x < nx; ++x) put(x, ascent(scales, here[x], above[x], next[x], here[x + 1]));
  // The last voxel has none to its right; what the loop took for one is in the row's padding.
  put(nx - 1, ascent(scales, here[nx - 1], above[nx - 1], next[nx - 1], here[nx - 1]));
}
}  // namespace

TotalVariation::TotalVariation(const shared::Convolution& layout, const Index3& shape, double weight, double background,
                               const Spacing3& spacing)
    : layout_(layout), shape_(shape), weight_(static_cast<float>(weight)), scales_{} {
  // A single plane has no z.
  const double finest =
      std::min(spacing[kY].value, shape[kZ] > 1 ? std::min(spacing[kZ].value, spacing[kX].value) : spacing[kX].value);
  const auto stretch = [&](Axis axis) { return static_cast<float>(std::pow(finest / spacing[axis].value, 2)); };
  scales_ = {stretch(kZ), stretch(kY), stretch(kX), static_cast<float>(kFlat * weight), static_cast<float>(background)};
}

TotalVariation::Walk::Walk(const TotalVariation& of) : of_(of) {
  const auto [nz, ny, nx] = of.shape_;
  below_.resize(static_cast<std::size_t>(ny * nx));
  for (auto* row : {&along_z_, &along_y_, &before_y_, &along_x_}) row->resize(static_cast<std::size_t>(nx + 1));
}

void TotalVariation::Walk::row_directions(const shared::FftBuffer& estimate, Index z, Index y, float* along_z) {
  const shared::Convolution& layout = of_.layout_;
  const auto [nz, ny, nx] = of_.shape_;
  find_ascents(of_.scales_, nx, layout.row(estimate, z, y), layout.row(estimate, std::min(z + 1, nz - 1), y),
               layout.row(estimate, z, std::min(y + 1, ny - 1)), along_z, along_y_.data(), along_x_.data() + 1);
}

void TotalVariation::Walk::find_below(const shared::FftBuffer& estimate, Index z) {
  const auto [nz, ny, nx] = of_.shape_;
  if (z < 0) return std::fill(below_.begin(), below_.end(), 0.0F);
  for (Index y = 0; y < ny; ++y) row_directions(estimate, z, y, below_.data() + y * nx);
}

void TotalVariation::Walk::divide(const shared::FftBuffer& estimate, Index z, const shared::FftBuffer& excess) {
  const auto [nz, ny, nx] = of_.shape_;
  const float weight = of_.weight_;
  if (z != plane_ + 1 || z == 0) find_below(estimate, z - 1);
  plane_ = z;
  std::fill(before_y_.begin(), before_y_.end(), 0.0F);
  for (Index y = 0; y < ny; ++y) {
    row_directions(estimate, z, y, along_z_.data());
    float* __restrict below = below_.data() + y * nx;
    float* __restrict factor = of_.layout_.row(excess, z, y);
    const float* along_z = along_z_.data();
    const float* along_y = along_y_.data();
    const float* before_y = before_y_.data();
    const float* along_x = along_x_.data();  // begins with the direction before the first voxel, which is none
    for (Index x = 0; x < nx; ++x) {
      const float divergence = (along_z[x] - below[x]) + (along_y[x] - before_y[x]) + (along_x[x + 1] - along_x[x]);
      factor[x] = (1 + factor[x]) / std::max(1 - weight * divergence, kLeastDivisor);
      below[x] = along_z[x];
    }
    std::swap(along_y_, before_y_);
  }
}

}  // namespace voxflow::richardson_lucy
