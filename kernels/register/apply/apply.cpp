// register.apply: resamples an image once, through a measured transform, a given translation, or both.
#include <cmath>

#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;

struct ApplyParams {
  std::array<Micrometres, 3> translation{};
  double outside = 0;
};

// Coordinates this near to the volume's outermost voxels are on them; rounding must not push a voxel outside.
constexpr double kTolerance_voxels = 1e-6;

class Apply {
 public:
  using Params = ApplyParams;
  // In micrometres, fixed to moving; and the grid on which both lie.
  struct State {
    TransformSet transforms;
    Grid grid;
  };

  static void describe(KernelSchema<Params>& k) {
    k.name("register.apply").version(1);
    k.summary("Resamples an image through a transform, by linear interpolation on the same grid.");
    k.input("image", any_real).doc("The moving image.");
    k.input("transform", transform)
        .optional()
        .doc(
            "Maps points of the fixed image to points of the moving image, per timepoint and channel where it says "
            "so.");
    k.output("image", same_as("image")).doc("The moving image as seen from the fixed one's grid.");
    k.param(&Params::translation, "translation")
        .range(Micrometres{-1e6}, Micrometres{1e6})
        .doc("Added to the moving point that the transform gives (z, y, x).");
    k.param(&Params::outside, "outside").range(-1e30, 1e30).doc("Value where the moving image has no voxels.");
    k.each(t, c).blockwise(Blockwise::exact).nan(NanPolicy::propagates);
  }

  State prepare(const Params& p, const Geometry& geometry) const {
    State state{{}, geometry.grid};
    if (geometry.small.contains("transform")) state.transforms = geometry.small_input<TransformSet>("transform");
    if (state.transforms.entries.empty()) state.transforms.entries.emplace_back();
    for (TransformSet::Entry& e : state.transforms.entries)
      for (std::size_t i = 0; i < 3; ++i) e.transform.translation_um[i] += p.translation[i].value;
    return state;
  }

  Box3 footprint(const Params&, const State& state, const Box3& core, const Slice& slice, const Grid& input) const {
    const Affine3 map = in_voxels(state, slice);
    Box3 box;
    for (std::size_t i = 0; i < 3; ++i) {
      double low = map.translation_um[i], high = low;
      for (std::size_t j = 0; j < 3; ++j) {
        const double a = map.matrix[i][j] * static_cast<double>(core.origin[j]);
        const double b = map.matrix[i][j] * static_cast<double>(core.end(j) - 1);
        low += std::min(a, b), high += std::max(a, b);
      }
      // A core that maps far outside has no voxels to read; the clamp keeps its coordinates within Index.
      const auto edge = static_cast<double>(input.shape[i]) + 1;
      box.origin[i] = static_cast<Index>(std::floor(std::clamp(low - kTolerance_voxels, -1.0, edge)));
      box.extent[i] =
          static_cast<Index>(std::floor(std::clamp(high + kTolerance_voxels, -1.0, edge))) + 2 - box.origin[i];
    }
    return box;
  }

  void run(const Params& p, const State& state, const Block& block, Context& ctx) const {
    const Affine3 map = in_voxels(state, block.slice);
    const Sampler sample(block.input(), block.box().origin, state.grid.shape, static_cast<float>(p.outside));
    const auto out = block.output();
    const auto [nz, ny, nx] = block.core.extent;
    for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
      for (Index y = 0; y < ny; ++y) {
        Point3 row_start{};
        const auto fixed_z = static_cast<double>(block.core.origin[kZ] + z);
        const auto fixed_y = static_cast<double>(block.core.origin[kY] + y);
        for (std::size_t i = 0; i < 3; ++i)
          row_start[i] = map.matrix[i][kZ] * fixed_z + map.matrix[i][kY] * fixed_y + map.translation_um[i];
        // From the voxel's absolute index, never from its neighbour, so that every block computes the same bits.
        for (Index x = 0; x < nx; ++x) {
          const auto fixed_x = static_cast<double>(block.core.origin[kX] + x);
          out(z, y, x) =
              sample(row_start[kZ] + map.matrix[kZ][kX] * fixed_x, row_start[kY] + map.matrix[kY][kX] * fixed_x,
                     row_start[kX] + map.matrix[kX][kX] * fixed_x);
        }
      }
  }

 private:
  // The transform in voxel coordinates; its translation counts voxels.
  static Affine3 in_voxels(const State& state, const Slice& slice) {
    const Affine3 um = state.transforms.at(slice.t, slice.c);
    const Spacing3& spacing = state.grid.spacing;
    Affine3 voxels;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) voxels.matrix[i][j] = um.matrix[i][j] * (spacing[j].value / spacing[i].value);
      voxels.translation_um[i] = um.translation_um[i] / spacing[i].value;
    }
    return voxels;
  }

  class Sampler {
   public:
    Sampler(VolumeView<const float> voxels, const Index3& origin, const Index3& shape, float outside)
        : voxels_(voxels), origin_(origin), shape_(shape), outside_(outside) {}

    float operator()(double z, double y, double x) const {
      Cell cz, cy, cx;
      if (!locate(z, kZ, cz) || !locate(y, kY, cy) || !locate(x, kX, cx)) return outside_;
      const auto along_x = [&](Index iz, Index iy) {
        const float* row = voxels_.row(iz, iy);
        return mix(row[cx.low], row[cx.high], cx.weight);
      };
      const double below = mix(along_x(cz.low, cy.low), along_x(cz.low, cy.high), cy.weight);
      const double above = mix(along_x(cz.high, cy.low), along_x(cz.high, cy.high), cy.weight);
      return static_cast<float>(mix(below, above, cz.weight));
    }

   private:
    struct Cell {
      Index low, high;  // in the block's voxels
      double weight;    // of `high`
    };
    static double mix(double a, double b, double weight) { return a + weight * (b - a); }
    // False where the moving image has no voxels.
    bool locate(double at, std::size_t axis, Cell& cell) const {
      const auto last = static_cast<double>(shape_[axis] - 1);
      if (!(at >= -kTolerance_voxels && at <= last + kTolerance_voxels)) return false;
      at = std::clamp(at, 0.0, last);
      const auto low = static_cast<Index>(at);
      cell = {low - origin_[axis], std::min(low + 1, shape_[axis] - 1) - origin_[axis], at - static_cast<double>(low)};
      return true;
    }

    VolumeView<const float> voxels_;
    Index3 origin_, shape_;
    float outside_;
  };
};
}  // namespace

VOXFLOW_KERNEL(Apply)
