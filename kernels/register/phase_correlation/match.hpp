// The translation between two volumes of one shape, to a small part of a voxel, and how well they agree under it.
#pragma once
#include "pipeline/sdk/block.hpp"

namespace voxflow::phase_correlation {

struct MatchOptions {
  double smoothing_voxels = 1;  // standard deviation of the Gaussian that both are smoothed with
  double largest = 0.5;         // shift along an axis, of the volume's size
  double enough = 0.2;          // a score that needs no further search
};

/// fixed(x) looks like moving(x + shift).
struct Match {
  Point3 shift_voxels{};
  double score = 0;       // normalised cross-correlation of what both see of the same place
  double structures = 0;  // bright things that the score rests on, such as beads
  double grains = 0;      // parts that are independent of each other, dark ones too
  /// How far the score is from chance, in standard deviations of Fisher's transform: few structures meet by chance, and
  /// in pure noise the best of many shifts stands out.
  double evidence() const;
};

/// The best translation. Axes of fewer than `kFewestVoxels` are not looked at. Neither volume may be constant.
Match match(VolumeView<const float> fixed, VolumeView<const float> moving, const MatchOptions& options,
            const Context& ctx);

/// Memory that `match` needs at most.
std::size_t match_bytes(const Index3& shape, const MatchOptions& options);

inline constexpr Index kFewestVoxels = 6;

/// The largest shift along an axis of `size` voxels.
Index largest_shift(Index size, double part);

}  // namespace voxflow::phase_correlation
