// Shape from exact sums: the ellipsoid of an object's second moments, and its surface from crossings of lines.
#pragma once
#include <array>
#include <cstdint>

#include "kernels/measure/objects/fixed_point.hpp"
#include "pipeline/core/geometry.hpp"
#include "pipeline/core/transform.hpp"

namespace voxflow::objects {

/// The steps (z, y, x) from a voxel to 13 of its 26 neighbours; the other 13 are opposite.
inline constexpr std::array<Index3, 13> kDirections{{{0, 0, 1},
                                                     {0, 1, 0},
                                                     {1, 0, 0},
                                                     {0, 1, -1},
                                                     {0, 1, 1},
                                                     {1, 0, -1},
                                                     {1, 0, 1},
                                                     {1, -1, 0},
                                                     {1, 1, 0},
                                                     {1, -1, -1},
                                                     {1, -1, 1},
                                                     {1, 1, -1},
                                                     {1, 1, 1}}};

/// For each direction how often lines of voxels along it enter or leave an object.
using Crossings = std::array<std::int64_t, 13>;

/// Sums of products of voxel coordinates: zz, yy, xx, zy, zx, yx.
using ProductSums = std::array<Wide, 6>;

/// Lengths of the whole axes in um, longest first, of the ellipsoid that has the same second moments about its centre
/// (in a single plane: of the ellipse) as the centres of an object's voxels; and the direction (z, y, x) of the longest
/// one, whose largest component is positive.
struct Ellipsoid {
  std::array<double, 3> axes_um{};
  Point3 longest{};
};
Ellipsoid ellipsoid_of(std::int64_t voxels, const Index3& coordinate_sum, const ProductSums& products,
                       const Grid& grid);

/// Surface by Crossings, for one spacing: Crofton's formula with 13 directions, each of which stands for the part of
/// the sphere that is nearest to it (Legland, Kiêu and Devaux 2007, doi:10.5566/ias.v26.p83-92).
class Crofton {
 public:
  explicit Crofton(const Spacing3& spacing);
  double surface_um2(const Crossings& crossings) const;
  /// Fraction of all directions that each one stands for; they sum to 1.
  const std::array<double, 13>& weights() const { return weights_; }

 private:
  std::array<double, 13> weights_{}, um2_per_crossing_{};
};

}  // namespace voxflow::objects
