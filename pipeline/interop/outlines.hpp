// The outlines of labelled pixels, along the edges of pixels; and which pixels lie inside outlines.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/core/geometry.hpp"

namespace voxflow::interop {

/// A corner of pixels: pixel (x, y) has the corners (x, y) to (x + 1, y + 1).
struct Corner {
  std::int32_t x = 0, y = 0;
  friend bool operator==(const Corner&, const Corner&) = default;
};

/// A closed line along pixel edges, without corners on a straight line; the last corner is joined to the first.
using Ring = std::vector<Corner>;

/// All of one label in a plane: a ring clockwise around each part, one counter-clockwise around each hole. Parts that
/// touch at a corner only are parts of their own.
struct Outline {
  std::uint32_t label = 0;
  Corner low, high;  // of the box around it
  std::vector<Ring> rings;
};

/// The outlines of a plane of `height` rows of `width` labels, in the order of labels; 0 is background.
std::vector<Outline> trace_outlines(const std::uint32_t* labels, Index height, Index width);

}  // namespace voxflow::interop
