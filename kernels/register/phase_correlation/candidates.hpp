// Whole-voxel shifts at which two volumes may agree: peaks of their correlations.
#pragma once
#include <vector>

#include "kernels/shared/fft.hpp"
#include "pipeline/sdk/block.hpp"

namespace voxflow::phase_correlation {

struct Candidate {
  Index3 shift{};
  double score = 0;  // normalised cross-correlation over the voxels that both see
  double gain = 0;
};

/// By how much a score makes a shift likelier: small overlaps score high by chance, and gain little by it.
double likelihood_gain(const Index3& shape, const Point3& shift, double score);

/// Padded so that no shift up to `largest` meets the other side of the volume.
Index3 padded_shape(const Index3& shape, const Index3& largest);

enum class Window { none, hann };

/// Peaks of the plain and of the normalised cross-correlation within `largest` voxels, largest gain first.
std::vector<Candidate> find_candidates(VolumeView<const float> fixed, VolumeView<const float> moving,
                                       const Index3& largest, Window window, const Context& ctx);

/// Where in the fixed volume both see the same place.
Box3 overlap(const Index3& shape, const Index3& shift);

}  // namespace voxflow::phase_correlation
