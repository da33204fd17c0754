#include "kernels/deconvolve/richardson_lucy/blur.hpp"

#include <fmt/format.h>

#include <cmath>

namespace voxflow::richardson_lucy {

namespace {
void check_spacing(const Grid& psf, const Spacing3& image) {
  for (std::size_t i = 0; i < 3; ++i)
    if (const double ratio = psf.spacing[i].value / image[i].value; psf.shape[i] > 1 && std::abs(ratio - 1) > 0.01)
      throw UserError(
          fmt::format("the PSF's voxels are {} um apart along {}, the image's {} um; give a PSF of the image's spacing",
                      psf.spacing[i].value, "zyx"[i], image[i].value));
}

void normalise(Psf& blur) {
  const Index3& shape = blur.grid.shape;
  double sum = 0;
  Point3 centre{};
  std::size_t i = 0;
  for (Index z = 0; z < shape[kZ]; ++z)
    for (Index y = 0; y < shape[kY]; ++y)
      for (Index x = 0; x < shape[kX]; ++x, ++i) {
        const double v = blur.voxels[i];
        if (!std::isfinite(v) || v < 0)
          throw UserError(
              fmt::format("the PSF is {} at voxel {}, {}, {} (z, y, x), allowed are 0 and more", v, z, y, x));
        const Index3 at{z, y, x};
        for (std::size_t axis = 0; axis < 3; ++axis) {
          const Index from_middle = at[axis] - shape[axis] / 2;
          centre[axis] += v * static_cast<double>(from_middle);
        }
        sum += v;
      }
  if (!(sum > 0)) throw UserError("the PSF is 0 everywhere; give one that holds light");
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (std::abs(centre[axis] / sum) > 1)
      throw UserError(
          fmt::format("the PSF's centre of light lies {:.1f} voxels from its middle along {}, allowed is 1; centre it",
                      std::abs(centre[axis] / sum), "zyx"[axis]));
  for (float& v : blur.voxels) v = static_cast<float>(v / sum);
}
}  // namespace

Blur::Blur(Psf psf, const Spacing3& image) : psf_(std::move(psf)) {
  check_spacing(psf_.grid, image);
  normalise(psf_);
}

const std::vector<float>& Blur::voxels() const {
  std::call_once(computed_, [&] {
    if (model_.model) psf_.voxels = shared::make_psf(model_, image_).voxels;
  });
  return psf_.voxels;
}

}  // namespace voxflow::richardson_lucy
