// The blur that a deconvolution takes out: a PSF that was given, or that of a model.
#pragma once
#include <memory>
#include <mutex>

#include "kernels/shared/psf_model.hpp"

namespace voxflow::richardson_lucy {

/// Thread-safe. A model's voxels are computed when they are first asked for, so that planning stays cheap.
class Blur {
 public:
  /// Throws UserError when `psf` holds no light, negative or not finite voxels, is not centred, or does not have the
  /// image's spacing.
  Blur(Psf psf, const Spacing3& image);
  Blur(const shared::PsfParams& model, const Grid& image) : model_(model), image_(image) {
    psf_.grid.shape = shared::psf_shape(model, image);
  }
  const Index3& shape() const { return psf_.grid.shape; }
  /// Sums to 1; its middle is voxel shape / 2.
  const std::vector<float>& voxels() const;

 private:
  mutable std::once_flag computed_;
  mutable Psf psf_;
  shared::PsfParams model_;
  Grid image_;
};

}  // namespace voxflow::richardson_lucy
