// Beads in a volume, and what they look like together.
#pragma once
#include <optional>
#include <vector>

#include "pipeline/sdk/block.hpp"

namespace voxflow::beads {

enum class Fate : std::int32_t { used, touching, at_face, saturated };

struct Bead {
  Point3 centre{};    // voxels
  double height = 0;  // of its smoothed peak above the volume's median
  std::int32_t timepoint = 0;
  Fate fate = Fate::used;
};

struct Search {
  Index3 half_voxels{};  // of a bead's surroundings
  double threshold = 0;  // peaks of less than this part of the highest one are none
  float saturation = 0;
  int clipped_voxels = 1;  // a bead with so many at or above saturation is not used
};

/// The peaks of a volume that stand out of its unevenness, with whole-voxel centres; those that cannot be used have
/// their fate.
std::vector<Bead> find(VolumeView<const float> volume, const Search& search, const Context& ctx);

/// Adds the bead to `sum` (of shape 2 half + 1), its centre moved to the middle voxel, its background subtracted; and
/// puts the centre to a part of a voxel.
void add(VolumeView<const float> volume, Bead& bead, const Index3& half_voxels, std::vector<double>& sum);

/// The sum as a PSF: what is left at its faces is subtracted, what is below 0 is 0, and all together 1.
std::vector<float> as_psf(std::vector<double> sum, const Index3& half_voxels);

}  // namespace voxflow::beads
