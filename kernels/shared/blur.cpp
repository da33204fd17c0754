#include "kernels/shared/blur.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace voxflow::shared {

namespace {
constexpr double kMargin_widths = 2;

void check_spacing(const Grid& psf, const Spacing3& image) {
  for (std::size_t i = 0; i < 3; ++i)
    if (const double ratio = psf.spacing[i].value / image[i].value; psf.shape[i] > 1 && std::abs(ratio - 1) > 0.01)
      throw UserError(
          fmt::format("the PSF's voxels are {} um apart along {}, the image's {} um; give a PSF of the image's spacing",
                      psf.spacing[i].value, "zyx"[i], image[i].value));
}

void check_light(const Psf& psf) {
  const auto [nz, ny, nx] = psf.grid.shape;
  if (std::all_of(psf.voxels.begin(), psf.voxels.end(), [](float v) { return std::isnan(v); }))
    throw UserError("all voxels of the PSF are NaN; give one that holds light");
  const auto bad =
      std::find_if(psf.voxels.begin(), psf.voxels.end(), [](float v) { return !(v >= 0 && v < INFINITY); });
  if (bad == psf.voxels.end()) return;
  const Index i = bad - psf.voxels.begin();
  throw UserError(fmt::format("the PSF is {} at voxel {}, {}, {} (z, y, x), allowed are 0 and more",
                              static_cast<double>(*bad), i / (ny * nx), i / nx % ny, i % nx));
}

void take_middle_plane(Psf& psf) {
  const Index plane = psf.grid.shape[kY] * psf.grid.shape[kX], middle = psf.grid.shape[kZ] / 2;
  psf.voxels = {psf.voxels.begin() + middle * plane, psf.voxels.begin() + (middle + 1) * plane};
  psf.grid.shape[kZ] = 1;
}

// Sum, and centre of light in voxels from the middle one.
struct Light {
  double sum = 0;
  Point3 off_centre{};
};
Light light_of(const Psf& psf) {
  const Index3& shape = psf.grid.shape;
  Light light;
  const float* v = psf.voxels.data();
  for (Index z = 0; z < shape[kZ]; ++z)
    for (Index y = 0; y < shape[kY]; ++y)
      for (Index x = 0; x < shape[kX]; ++x, ++v) {
        const Index3 at{z - shape[kZ] / 2, y - shape[kY] / 2, x - shape[kX] / 2};
        for (std::size_t i = 0; i < 3; ++i) light.off_centre[i] += static_cast<double>(*v) * static_cast<double>(at[i]);
        light.sum += static_cast<double>(*v);
      }
  for (double& d : light.off_centre) d /= light.sum;
  return light;
}

// From the brightest voxel `peak` of a profile outward in one direction.
double half_width(const std::vector<double>& profile, std::size_t peak, int direction) {
  const double half = profile[peak] / 2;
  const auto n = static_cast<std::ptrdiff_t>(profile.size());
  for (std::ptrdiff_t i = static_cast<std::ptrdiff_t>(peak), step = 0;; i += direction, ++step) {
    const std::ptrdiff_t next = i + direction;
    const double here = profile[static_cast<std::size_t>(i)];
    const double there = next < 0 || next >= n ? 0 : profile[static_cast<std::size_t>(next)];
    if (there < half) return static_cast<double>(step) + (here - half) / (here - there);
  }
}
}  // namespace

Point3 width_of(const Psf& psf) {
  const Index3& shape = psf.grid.shape;
  const auto brightest = std::max_element(psf.voxels.begin(), psf.voxels.end()) - psf.voxels.begin();
  const Index3 stride{shape[kY] * shape[kX], shape[kX], 1};
  const Index3 at{brightest / stride[kZ], brightest / stride[kY] % shape[kY], brightest % shape[kX]};
  Point3 width{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    std::vector<double> profile;
    for (Index i = 0; i < shape[axis]; ++i)
      profile.push_back(
          static_cast<double>(psf.voxels[static_cast<std::size_t>(brightest + (i - at[axis]) * stride[axis])]));
    const auto peak = static_cast<std::size_t>(at[axis]);
    width[axis] = std::max(1.0, half_width(profile, peak, 1) + half_width(profile, peak, -1));
  }
  return width;
}

Blur::Blur(Psf psf, const Grid& image) : psf_(std::move(psf)) {
  if (image.shape[kZ] == 1) take_middle_plane(psf_);
  if (psf_.grid.shape[kZ] == 1 && image.shape[kZ] > 1)
    throw UserError(fmt::format("the PSF is one plane, and the image has {}; give a PSF that says how z is blurred",
                                image.shape[kZ]));
  check_spacing(psf_.grid, image.spacing);
  check_light(psf_);
  const Light light = light_of(psf_);
  if (!(light.sum > 0)) throw UserError("the PSF is 0 everywhere; give one that holds light");
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (const double off = std::abs(light.off_centre[axis]); off > 1)
      throw UserError(fmt::format(
          "the PSF's centre of light lies {:.1f} voxels from its middle along {}, allowed is 1; centre it, or take the "
          "one that psf.measure makes",
          off, "zyx"[axis]));
  for (float& v : psf_.voxels) v = static_cast<float>(static_cast<double>(v) / light.sum);
  const Point3 width = width_of(psf_);
  for (std::size_t i = 0; i < 3; ++i)
    if (const Index n = psf_.grid.shape[i]; n > 1)
      margin_[i] = std::max(n / 2, static_cast<Index>(std::ceil(kMargin_widths * width[i])));
}

Blur::Blur(const PsfParams& model, const Grid& image) : model_(model), image_(image) {
  psf_.grid.shape = psf_shape(model, image);
  // Without computing its voxels: a Gaussian ends before two of its widths, the others reach further.
  for (std::size_t i = 0; i < 3; ++i)
    if (const Index half = psf_.grid.shape[i] / 2; half > 0)
      margin_[i] = *model.model == "gaussian" ? half + half / 5 + 1 : half;
}

const Psf& Blur::psf() const {
  std::call_once(*computed_, [&] {
    if (model_.model) psf_ = make_psf(model_, image_);
  });
  return psf_;
}

FftBuffer spectrum_of(const Psf& psf, const Convolution& convolution) {
  const Index3 &shape = psf.grid.shape, &padded = convolution.shape();
  const FftBuffer volume = convolution.buffer();
  volume.fill(0);
  const auto wrap = [&](Index i, std::size_t axis) { return (i - shape[axis] / 2 + padded[axis]) % padded[axis]; };
  const auto voxels = static_cast<float>(count(padded));
  const float* v = psf.voxels.data();
  for (Index z = 0; z < shape[kZ]; ++z)
    for (Index y = 0; y < shape[kY]; ++y) {
      float* row = convolution.row(volume, wrap(z, kZ), wrap(y, kY));
      for (Index x = 0; x < shape[kX]; ++x) row[wrap(x, kX)] += *v++ / voxels;
    }
  FftBuffer spectrum = convolution.buffer();
  const Convolution::Columns columns(convolution);
  for (Index z = 0; z < padded[kZ]; ++z) convolution.forward_plane(volume, z);
  for (Index y = 0; y < padded[kY]; ++y) convolution.spectrum_along_z(volume, y, spectrum, columns);
  return spectrum;
}

}  // namespace voxflow::shared
