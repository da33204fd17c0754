// What a Richardson-Lucy iteration blurs with, and how it brings errors back into the estimate.
#pragma once
#include <optional>

#include "kernels/shared/blur.hpp"

namespace voxflow::richardson_lucy {

/// The Wiener-Butterworth back projector (Guo et al. 2020, doi:10.1038/s41587-020-0560-x): a Wiener filter of noise
/// `alpha`, cut off at the blur's resolution, where it has the gain `beta`.
struct WienerButterworth {
  double alpha = 0.05, beta = 0.1;
  friend auto operator<=>(const WienerButterworth&, const WienerButterworth&) = default;
};
/// For that signal-to-noise.
WienerButterworth wiener_butterworth(double signal_to_noise);

/// The back projector as a small volume that sums to 1, cut softly at `half` voxels from its middle: what lies further
/// away, as in another block, has no part in it.
Psf back_projector(const Psf& psf, const Index3& half, const WienerButterworth& filter);

struct Filters {
  shared::Convolution convolution;
  shared::FftBuffer forward;
  std::optional<shared::FftBuffer> back;  // without it, the adjoint of `forward`

  Filters(const shared::Blur& blur, const Index3& shape, const std::optional<WienerButterworth>& filter);
  std::size_t bytes() const { return (back ? 2 : 1) * shared::Convolution::buffer_bytes(convolution.shape()); }
};

}  // namespace voxflow::richardson_lucy
