// Voxel geometry: indices, boxes, grids and halos, always in z-y-x order. Holds no voxel data.
#pragma once
#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "pipeline/core/units.hpp"

namespace voxflow {

using Index = std::int64_t;
enum Axis : std::size_t { kZ = 0, kY = 1, kX = 2 };
/// Three voxel counts or coordinates, z-y-x.
using Index3 = std::array<Index, 3>;

/// Product of the three extents.
constexpr Index count(const Index3& e) {
  return e[kZ] * e[kY] * e[kX];
}

/// Half-open voxel box [origin, origin + extent), z-y-x.
struct Box3 {
  Index3 origin{}, extent{};
  constexpr Index end(std::size_t axis) const { return origin[axis] + extent[axis]; }
  constexpr bool empty() const { return extent[kZ] <= 0 || extent[kY] <= 0 || extent[kX] <= 0; }
  friend bool operator==(const Box3&, const Box3&) = default;
};

/// The voxels that both boxes hold; an empty box at `a`'s origin where there are none.
constexpr Box3 intersect(const Box3& a, const Box3& b) {
  Box3 r;
  for (std::size_t i = 0; i < 3; ++i) {
    r.origin[i] = std::max(a.origin[i], b.origin[i]);
    r.extent[i] = std::min(a.end(i), b.end(i)) - r.origin[i];
  }
  return r.empty() ? Box3{a.origin, {0, 0, 0}} : r;
}

constexpr bool contains(const Box3& outer, const Box3& inner) {
  return intersect(outer, inner) == inner;
}

/// Border read around a core and then discarded, voxels on the low and the high side.
struct Halo {
  Index3 low{}, high{};
  static constexpr Halo symmetric(const Index3& r) { return {r, r}; }
  friend bool operator==(const Halo&, const Halo&) = default;
};

/// `core` grown by `halo`; may reach outside the volume.
constexpr Box3 grow(const Box3& core, const Halo& halo) {
  Box3 r = core;
  for (std::size_t i = 0; i < 3; ++i) {
    r.origin[i] -= halo.low[i];
    r.extent[i] += halo.low[i] + halo.high[i];
  }
  return r;
}

using Spacing3 = std::array<Micrometres, 3>;

/// Shape of one volume and the distance between its voxels' centres, z-y-x.
struct Grid {
  Index3 shape{};
  Spacing3 spacing{{{1.0}, {1.0}, {1.0}}};
  constexpr Box3 box() const { return {{0, 0, 0}, shape}; }
  friend bool operator==(const Grid&, const Grid&) = default;
};

}  // namespace voxflow
