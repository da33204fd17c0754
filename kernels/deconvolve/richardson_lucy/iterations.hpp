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

/// Where light is looked for: the first `shape` voxels of a padded volume. Within `margin` of its faces nothing was
/// measured: light there is known by what of it is seen further in. With a margin as wide as the blur nothing comes
/// around from the opposite face.
struct Domain {
  Index3 shape, margin;
};

/// Iterates from `data` on, which the blur and the background have made, voxels of 0 and more, the highest of which is
/// `highest`. What was not measured is taken to be what the estimate lets expect, but for an excess like that of the
/// nearest measured voxel, which fades over half of the margin. The last iteration is matched and without total
/// variation, which keeps the light. The estimate is 0 outside of the domain. Stops early when cancelled. The bits do
/// not depend on threads.
shared::FftBuffer deconvolve(const shared::FftBuffer& data, float highest, const Domain& domain, const Filters& filters,
                             const Settings& settings, const Spacing3& spacing, const Context& ctx);

/// Bytes that `deconvolve` takes beside data and filters.
std::size_t iterations_bytes(const Index3& shape, bool accelerated);

}  // namespace voxflow::richardson_lucy
