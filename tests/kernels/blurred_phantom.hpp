// Nuclei, threads and points of light in the dark, seen through a Gaussian blur, with photon noise.
#pragma once
#include <cmath>
#include <vector>

#include "kernels/shared/convolution.hpp"
#include "pipeline/sdk/block.hpp"
#include "tests/kernels/noise_phantom.hpp"

namespace voxflow::test {

struct Blurred {
  Psf psf;
  std::vector<float> light, noisy;  // without and with blur, noise and background
};

inline Psf gaussian_psf(const Index3& shape, const Point3& sigma_voxels, const Spacing3& spacing) {
  Psf psf{{shape, spacing}, {}};
  double sum = 0;
  for (Index z = 0; z < shape[kZ]; ++z)
    for (Index y = 0; y < shape[kY]; ++y)
      for (Index x = 0; x < shape[kX]; ++x) {
        const auto square = [&](Index i, std::size_t axis) {
          return std::pow(static_cast<double>(i - shape[axis] / 2) / sigma_voxels[axis], 2);
        };
        psf.voxels.push_back(static_cast<float>(std::exp(-0.5 * (square(z, kZ) + square(y, kY) + square(x, kX)))));
        sum += static_cast<double>(psf.voxels.back());
      }
  for (float& v : psf.voxels) v = static_cast<float>(static_cast<double>(v) / sum);
  return psf;
}

/// `peak` photons where the light is 1, over a background of `background` photons; within `dark_voxels` of the faces
/// there is no light.
inline Blurred blurred_phantom(const Index3& shape, const Index3& psf_shape, const Point3& sigma_voxels, double peak,
                               double background, Index dark_voxels = 0) {
  const Spacing3 spacing{{{1.0}, {1.0}, {1.0}}};
  Blurred b{gaussian_psf(psf_shape, sigma_voxels, spacing), {}, {}};
  const Index3 inner{shape[kZ] - 2 * dark_voxels, shape[kY] - 2 * dark_voxels, shape[kX] - 2 * dark_voxels};
  const std::vector<float> light = noise_free_phantom(inner, 11);
  b.light.assign(static_cast<std::size_t>(count(shape)), 0.0F);
  for (Index z = 0; z < inner[kZ]; ++z)
    for (Index y = 0; y < inner[kY]; ++y)
      for (Index x = 0; x < inner[kX]; ++x)
        b.light[static_cast<std::size_t>(((z + dark_voxels) * shape[kY] + y + dark_voxels) * shape[kX] + x +
                                         dark_voxels)] =
            static_cast<float>(peak) * light[static_cast<std::size_t>((z * inner[kY] + y) * inner[kX] + x)];
  std::vector<float> seen = b.light;
  phantom::blur(seen, {shape, spacing}, sigma_voxels);
  phantom::Random random(4, 0);
  for (const float v : seen) b.noisy.push_back(static_cast<float>(random.poisson(static_cast<double>(v) + background)));
  return b;
}

}  // namespace voxflow::test
