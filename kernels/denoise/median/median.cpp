// denoise.median: the middle value of a box around each voxel.
#include <algorithm>
#include <cmath>

#include "kernels/denoise/median/window.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::literals;

struct MedianParams {
  Micrometres radius = 0.3_um;
};

Index3 radius_voxels(const MedianParams& p, const Grid& grid) {
  Index3 r{};
  for (std::size_t axis = 0; axis < 3; ++axis)
    r[axis] = static_cast<Index>(std::lround(p.radius.value / grid.spacing[axis].value));
  return r;
}

class Median {
 public:
  using Params = MedianParams;

  static void describe(KernelSchema<Params>& k) {
    k.name("denoise.median").version(1).summary("Median over a box of half-width `radius`.");
    k.input("image", any_real).border(Border::mirror).doc("What to denoise.");
    k.output("image", same_as("image")).doc("Denoised, with the input's voxel type.");
    k.param(&Params::radius, "radius")
        .range(0.05_um, 5.0_um)
        .doc(
            "Half-width of the box on every axis, rounded to whole voxels; less than half a voxel leaves that axis "
            "alone.");
    k.each(t, c).blockwise(Blockwise::exact).nan(NanPolicy::ignored);
  }

  Halo halo(const Params& p, const Grid& grid) const { return Halo::symmetric(radius_voxels(p, grid)); }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    return median::rank_bytes(static_cast<std::size_t>(count(extent)));
  }

  void run(const Params& p, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const auto out = block.output();
    const Index3 radius = radius_voxels(p, block.grid);
    const Index box_voxels = (2 * radius[kZ] + 1) * (2 * radius[kY] + 1) * (2 * radius[kX] + 1);
    const bool any_nan = std::any_of(in.data(), in.data() + count(in.shape()), [](float v) { return std::isnan(v); });
    if (box_voxels == 1)
      copy_voxels(in, out);
    else if (box_voxels <= kLargestNetwork && !any_nan)
      median::select_medians(in, radius, out, ctx);
    else
      median::rank_medians(in, radius, out, ctx);
  }

 private:
  static constexpr Index kLargestNetwork = 45;
};
}  // namespace

VOXFLOW_KERNEL(Median)
