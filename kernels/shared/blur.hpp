// The blur that a deconvolution takes out: a PSF that was given, or that of a model; and what becomes of it in Fourier
// space. What is costly to make is kept for the next block, and for the next image.
#pragma once
#include <memory>
#include <mutex>

#include "kernels/shared/convolution.hpp"
#include "kernels/shared/psf_model.hpp"
#include "kernels/shared/recent.hpp"

namespace voxflow::shared {

/// Full width at half maximum in voxels (z, y, x), through the brightest voxel; a voxel at least.
Point3 width_of(const Psf& psf);

/// Thread-safe. A model's voxels are computed when they are first asked for, so that planning stays cheap.
class Blur {
 public:
  /// Throws UserError when `psf` holds no light, negative or not finite voxels, is not centred, or does not have the
  /// image's spacing. Of its planes a single-plane image takes the middle one.
  Blur(Psf psf, const Grid& image);
  Blur(const PsfParams& model, const Grid& image);
  /// How far from a voxel along z, y and x there is light of it, or a filter of the blur's resolution has a say: the
  /// PSF's half-width, or two of its widths where these are more.
  const Index3& margin() const { return margin_; }
  /// Sums to 1; its middle is voxel shape / 2.
  const Psf& psf() const;

 private:
  std::shared_ptr<std::once_flag> computed_ = std::make_shared<std::once_flag>();  // so that a Blur can be moved
  mutable Psf psf_;
  Index3 margin_{};
  PsfParams model_;
  Grid image_;
};

/// The spectrum of a small volume, its middle (shape / 2) moved to voxel 0, for volumes of the convolution's shape,
/// over their number of voxels.
FftBuffer spectrum_of(const Psf& psf, const Convolution& convolution);

/// A blur of volumes of any shape, with what `Filters` a kernel makes of it. Thread-safe.
template <class Key, class Filters>
class KnownBlur {
 public:
  explicit KnownBlur(Blur blur) : blur_(std::move(blur)) {}
  const Blur& blur() const { return blur_; }
  Recent<Key, Filters>& filters() const { return filters_; }
  /// Drops filters of more than `most_bytes`.
  void trim(std::size_t most_bytes) const {
    filters_.drop_if([&](const Filters& f) { return f.bytes() > most_bytes; });
  }

 private:
  Blur blur_;
  mutable Recent<Key, Filters> filters_{1};
};

}  // namespace voxflow::shared
