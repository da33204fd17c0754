// The Richardson-Lucy iteration on one padded block, in passes over planes and columns.
#pragma once
#include "kernels/deconvolve/richardson_lucy/back_projector.hpp"
#include "kernels/deconvolve/richardson_lucy/total_variation.hpp"
#include "pipeline/sdk/block.hpp"

namespace voxflow::richardson_lucy {

struct Settings {
  int iterations = 0;
  float background = 0, saturation = 0;
  double tv = 0;
  bool accelerated = false;
};

/// Iterates from `data` on, which the blur and the background have made, voxels of 0 and more, the highest of which is
/// `highest`. The last iteration keeps the light: it is matched and without total variation. Stops early when
/// cancelled. The bits do not depend on threads.
shared::FftBuffer deconvolve(const shared::FftBuffer& data, float highest, const Filters& filters,
                             const Settings& settings, const Spacing3& spacing, const Context& ctx);

/// Bytes that `deconvolve` takes beside data and filters.
std::size_t iterations_bytes(const Index3& shape, bool accelerated);

}  // namespace voxflow::richardson_lucy
