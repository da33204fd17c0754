// denoise.box_mean: the mean of a box around each voxel.
#include <cmath>

#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::literals;

struct BoxMeanParams {
  Micrometres radius = 0.4_um;
};

class BoxMean {
 public:
  using Params = BoxMeanParams;

  static void describe(KernelSchema<Params>& k) {
    k.name("denoise.box_mean").version(1).summary("Mean over a box of half-width `radius`.");
    k.input("image", any_real).border(Border::mirror).doc("What to smooth.");
    k.output("image", same_as("image")).doc("Smoothed.");
    k.param(&Params::radius, "radius").range(0.05_um, 5.0_um).doc("Half-width of the box on every axis.");
    k.blockwise(Blockwise::exact).nan(NanPolicy::propagates);
  }

  Halo halo(const Params& p, const Grid& grid) const {
    Index3 radius_voxels{};
    for (std::size_t axis = 0; axis < 3; ++axis)
      radius_voxels[axis] = std::lround(p.radius.value / grid.spacing[axis].value);
    return Halo::symmetric(radius_voxels);
  }

  void run(const Params&, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const auto out = block.output();
    const auto [rz, ry, rx] = block.halo.low;
    const auto [nz, ny, nx] = out.shape();
    const auto box_voxels = static_cast<float>((2 * rz + 1) * (2 * ry + 1) * (2 * rx + 1));
    for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
      for (Index y = 0; y < ny; ++y)
        for (Index x = 0; x < nx; ++x) {
          // in(z, y, x) is the box's first voxel: the input begins one halo before the core.
          float sum = 0;
          for (Index dz = 0; dz <= 2 * rz; ++dz)
            for (Index dy = 0; dy <= 2 * ry; ++dy)
              for (Index dx = 0; dx <= 2 * rx; ++dx) sum += in(z + dz, y + dy, x + dx);
          out(z, y, x) = sum / box_voxels;
        }
  }
};
}  // namespace

VOXFLOW_KERNEL(BoxMean)
