// Views of a volume from three sides: projections and slices, read box by box and reduced on the way.
#pragma once
#include <cstdint>
#include <functional>

#include "pipeline/core/volume_view.hpp"
#include "pipeline/preview/plane.hpp"

namespace voxflow::preview {

enum class Projection { max, slice };
enum class Sides { none, both };

/// Copies `box` of one volume to `to`, whose shape is the box's extent.
template <class T>
using ReadBox = std::function<void(const Box3& box, VolumeView<T> to)>;

/// What is cut out of a volume.
struct Cut {
  Projection projection = Projection::max;
  /// Through which voxel slices go, z-y-x.
  Index3 at{};
  Sides sides = Sides::none;
};

/// xy: rows are y, columns x; xz: rows are z, columns x; yz: rows are y, columns z. The sides may be empty.
template <class T>
struct Views {
  Plane<T> xy, xz, yz;
};

/// A box that is read at a time has at most so many voxels, as long as a bin is smaller than that.
inline constexpr Index kSlabVoxels = Index{1} << 23;

/// Views of intensities: `bin` voxels (z-y-x) are averaged into one, then projected. Values that are not finite are
/// left out; where there is no other the view is NaN.
Views<float> intensity_views(const Index3& shape, const Index3& bin, const Cut& cut, const ReadBox<float>& read);

/// Views of labels: the highest label of each bin, then of each line of sight, wins.
Views<std::uint32_t> label_views(const Index3& shape, const Index3& bin, const Cut& cut,
                                 const ReadBox<std::uint32_t>& read);

}  // namespace voxflow::preview
