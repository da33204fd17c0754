#include "kernels/shared/smooth.hpp"

#include <cmath>

#include "kernels/shared/parallel.hpp"

namespace voxflow::shared {

namespace {
// Weights of distance 0, 1, ...; both sides together sum to 1.
std::vector<float> half_of_weights(double sigma) {
  std::vector<double> half;
  double total = 0;
  for (int i = 0; i <= std::ceil(4 * sigma); ++i) {
    half.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
    total += half.back() * (i == 0 ? 1 : 2);
  }
  std::vector<float> weights;
  for (const double w : half) weights.push_back(static_cast<float>(w / total));
  return weights;
}

Index mirror(Index i, Index n) {
  if (n == 1) return 0;
  const Index period = 2 * (n - 1);
  i = ((i % period) + period) % period;
  return i < n ? i : period - i;
}

// Filters `lines` rows of `length` voxels that lie `step` apart, across the rows: voxel k of all rows together.
void smooth_across(float* first, Index lines, Index step, Index length, const std::vector<float>& weights,
                   std::vector<float>& copy) {
  const auto row = [&](Index i) { return copy.data() + mirror(i, lines) * length; };
  for (Index i = 0; i < lines; ++i) std::copy_n(first + i * step, length, copy.data() + i * length);
  for (Index i = 0; i < lines; ++i) {
    float* out = first + i * step;
    for (Index k = 0; k < length; ++k) out[k] *= weights[0];
    for (std::size_t w = 1; w < weights.size(); ++w) {
      const float *before = row(i - static_cast<Index>(w)), *behind = row(i + static_cast<Index>(w));
      for (Index k = 0; k < length; ++k) out[k] += weights[w] * (before[k] + behind[k]);
    }
  }
}

void smooth_along(float* row, Index length, const std::vector<float>& weights, std::vector<float>& copy) {
  const auto reach = static_cast<Index>(weights.size()) - 1;
  copy.resize(static_cast<std::size_t>(length + 2 * reach));
  for (Index i = -reach; i < length + reach; ++i) copy[static_cast<std::size_t>(i + reach)] = row[mirror(i, length)];
  const float* in = copy.data() + reach;
  for (Index i = 0; i < length; ++i) row[i] = weights[0] * in[i];
  for (Index w = 1; w <= reach; ++w) {
    const float weight = weights[static_cast<std::size_t>(w)];
    for (Index i = 0; i < length; ++i) row[i] += weight * (in[i - w] + in[i + w]);
  }
}
}  // namespace

void convolve(VolumeView<float> voxels, const std::array<std::vector<float>, 3>& weights, const Context& ctx) {
  const auto [nz, ny, nx] = voxels.shape();
  const Index3& stride = voxels.stride();
  if (nx > 1 && !weights[kX].empty())
    parallel_for(ctx, nz, [&, y_rows = ny] {
      return [&, copy = std::vector<float>()](Index z) mutable {
        for (Index y = 0; y < y_rows; ++y) smooth_along(voxels.row(z, y), voxels.shape()[kX], weights[kX], copy);
      };
    });
  const auto plane = [](Index rows, Index length) {
    return std::vector<float>(static_cast<std::size_t>(rows * length));
  };
  if (ny > 1 && !weights[kY].empty())
    parallel_for(ctx, nz, [&, rows = ny, length = nx] {
      return [&, copy = plane(rows, length)](Index z) mutable {
        smooth_across(voxels.row(z, 0), rows, stride[kY], length, weights[kY], copy);
      };
    });
  if (nz > 1 && !weights[kZ].empty())
    parallel_for(ctx, ny, [&, rows = nz, length = nx] {
      return [&, copy = plane(rows, length)](Index y) mutable {
        smooth_across(voxels.row(0, y), rows, stride[kZ], length, weights[kZ], copy);
      };
    });
}

void smooth(VolumeView<float> voxels, const std::array<double, 3>& sigma_voxels, const Context& ctx) {
  std::array<std::vector<float>, 3> weights;
  for (std::size_t i = 0; i < 3; ++i)
    if (sigma_voxels[i] > 0) weights[i] = half_of_weights(sigma_voxels[i]);
  convolve(voxels, weights, ctx);
}

std::size_t smooth_bytes(const Index3& shape) {
  return sizeof(float) * static_cast<std::size_t>(std::max(shape[kZ], shape[kY]) * shape[kX] + 4 * shape[kX]);
}

}  // namespace voxflow::shared
