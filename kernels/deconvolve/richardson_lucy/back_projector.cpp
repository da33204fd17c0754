#include "kernels/deconvolve/richardson_lucy/back_projector.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace voxflow::richardson_lucy {

namespace {
constexpr int kOrder = 10;  // of the Butterworth filter

// Cycles a voxel of an FFT's i-th frequency.
double frequency(Index i, Index n) {
  return static_cast<double>(i <= n / 2 ? i : i - n) / static_cast<double>(n);
}

// 1 in the inner half, from there on down to 0 behind the outermost voxel.
double taper(Index i, Index half) {
  const double beyond = static_cast<double>(std::abs(i)) / static_cast<double>(half + 1) * 2 - 1;
  return beyond <= 0 ? 1 : std::pow(std::cos(beyond * std::numbers::pi / 2), 2);
}

// Multiplies a blur's spectrum `h`, over the number of voxels, into that of its Wiener-Butterworth filter.
void filter_spectrum(const shared::Convolution& c, const shared::FftBuffer& h, const Point3& width,
                     const WienerButterworth& filter) {
  const auto [nz, ny, nx] = c.shape();
  const auto voxels = static_cast<float>(count(c.shape()));
  // Of the Wiener filter at the cut-off, for a Gaussian of that width.
  const double at_cutoff = std::exp(-std::pow(std::numbers::pi, 2) / (4 * std::numbers::ln2));
  const double gain = at_cutoff / (at_cutoff * at_cutoff + filter.alpha);
  const double steepness = std::max(std::pow(gain / filter.beta, 2) - 1, 0.0);
  const auto alpha = static_cast<float>(filter.alpha);
  for (Index y = 0; y < ny; ++y)
    for (Index z = 0; z < nz; ++z) {
      std::complex<float>* row = c.spectrum_row(h, z, y);
      for (Index x = 0; x <= nx / 2; ++x) {
        const double r2 = std::pow(frequency(z, nz) * width[kZ], 2) + std::pow(frequency(y, ny) * width[kY], 2) +
                          std::pow(frequency(x, nx) * width[kX], 2);
        const auto butterworth = static_cast<float>(1 / std::sqrt(1 + steepness * std::pow(r2, kOrder)));
        row[x] = std::conj(row[x]) * (butterworth / (std::norm(row[x] * voxels) + alpha));
      }
    }
}
}  // namespace

// What was best, and lost nothing by more iterations, for phantoms with peaks of 10 to 1000 photons.
WienerButterworth wiener_butterworth(double signal_to_noise) {
  const double power = signal_to_noise * signal_to_noise;
  return {std::clamp(2 / power, 0.002, 0.5), std::clamp(8e-4 * power, 0.03, 0.1)};
}

Psf back_projector(const Psf& psf, const Index3& half, const WienerButterworth& filter) {
  Index3 padded{}, shape{};
  for (std::size_t i = 0; i < 3; ++i) {
    shape[i] = 2 * half[i] + 1;
    padded[i] = half[i] == 0 ? 1 : shared::fast_size(2 * shape[i]);
  }
  const shared::Convolution c(padded);
  const shared::FftBuffer spectrum = shared::spectrum_of(psf, c), volume = c.buffer();
  filter_spectrum(c, spectrum, shared::width_of(psf), filter);
  const shared::Convolution::Columns columns(c);
  for (Index y = 0; y < padded[kY]; ++y) c.volume_along_z(spectrum, y, volume, columns);
  for (Index z = 0; z < padded[kZ]; ++z) c.backward_plane(volume, z);
  Psf back{{shape, psf.grid.spacing}, {}};
  double sum = 0;
  const auto wrap = [&](Index i, std::size_t axis) { return (i + padded[axis]) % padded[axis]; };
  for (Index z = -half[kZ]; z <= half[kZ]; ++z)
    for (Index y = -half[kY]; y <= half[kY]; ++y)
      for (Index x = -half[kX]; x <= half[kX]; ++x) {
        const auto v = static_cast<double>(c.row(volume, wrap(z, kZ), wrap(y, kY))[wrap(x, kX)]);
        back.voxels.push_back(static_cast<float>(v * taper(z, half[kZ]) * taper(y, half[kY]) * taper(x, half[kX])));
        sum += static_cast<double>(back.voxels.back());
      }
  for (float& v : back.voxels) v = static_cast<float>(static_cast<double>(v) / sum);
  return back;
}

Filters::Filters(const shared::Blur& blur, const Index3& shape, const std::optional<WienerButterworth>& filter)
    : convolution(shape), forward(shared::spectrum_of(blur.psf(), convolution)) {
  if (filter) back = shared::spectrum_of(back_projector(blur.psf(), blur.margin(), *filter), convolution);
}

}  // namespace voxflow::richardson_lucy
