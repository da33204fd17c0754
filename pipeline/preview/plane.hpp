// A two-dimensional array of numbers.
#pragma once
#include <vector>

#include "pipeline/core/geometry.hpp"

namespace voxflow::preview {

/// Rows of numbers; without any where a view is not wanted.
template <class T>
struct Plane {
  Index height = 0, width = 0;
  std::vector<T> values;

  Plane() = default;
  Plane(Index rows, Index columns, T value)
      : height(rows), width(columns), values(static_cast<std::size_t>(rows * columns), value) {}
  T& at(Index y, Index x) { return values[static_cast<std::size_t>(y * width + x)]; }
  const T& at(Index y, Index x) const { return values[static_cast<std::size_t>(y * width + x)]; }
  bool empty() const { return values.empty(); }
};

}  // namespace voxflow::preview
