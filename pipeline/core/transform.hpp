// Affine transforms in micrometres, z-y-x, that map fixed points to moving points (ITK's direction).
#pragma once
#include <array>
#include <string>
#include <vector>

#include "pipeline/core/geometry.hpp"
#include "pipeline/core/hash.hpp"

namespace voxflow {

using Point3 = std::array<double, 3>;

/// moving = matrix * fixed + translation; all in micrometres, z-y-x.
struct Affine3 {
  std::array<std::array<double, 3>, 3> matrix{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  Point3 translation_um{};
  Point3 operator()(const Point3& fixed_um) const;
  friend bool operator==(const Affine3&, const Affine3&) = default;
};

/// The transform that applies `first`, then `second`.
Affine3 compose(const Affine3& second, const Affine3& first);
/// Throws UserError when the matrix is singular.
Affine3 inverse(const Affine3& a);

/// One transform for each (timepoint, channel) it was measured for; -1 stands for every one.
struct TransformSet {
  struct Entry {
    int t = -1, c = -1;
    Affine3 transform;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::vector<Entry> entries;
  /// The entry for (t, c), the most specific one; the identity when there is none.
  Affine3 at(int t, int c) const;
  /// Canonical JSON text: what is written and hashed.
  std::string to_json() const;
  Digest content_digest() const;
};

}  // namespace voxflow
