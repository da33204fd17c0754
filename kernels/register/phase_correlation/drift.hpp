// Positions over time from the shifts between many pairs of timepoints.
#pragma once
#include <vector>

#include "pipeline/core/transform.hpp"

namespace voxflow::phase_correlation {

/// moving timepoint = position(to) - position(from), measured with some error; positions count from 0.
struct Step {
  std::size_t from = 0, to = 0;  // from < to
  Point3 shift_voxels{};
};

/// Timepoints that lie between the two of a pair: neighbours, and some further apart against adding up of errors.
std::vector<std::size_t> gaps(std::size_t timepoints);

/// The first position that no chain of steps leads to from position 0; `timepoints` when there is none.
std::size_t first_unreached(const std::vector<Step>& steps, std::size_t timepoints);

/// Positions against position 0 that fit the steps best in Huber's sense: single wrong steps hardly count. All must be
/// reached.
std::vector<Point3> positions(const std::vector<Step>& steps, std::size_t timepoints);

}  // namespace voxflow::phase_correlation
