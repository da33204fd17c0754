// register.apply: resamples an image once, through one or two measured transforms, a given translation, or all of them.
#include <cmath>
#include <string>
#include <vector>

#include "kernels/register/apply/interpolation.hpp"
#include "kernels/shared/smooth.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using interpolation::Kind;
using interpolation::Taps;

struct ApplyParams {
  std::string interpolation = "linear";
  std::array<Micrometres, 3> translation{};
  double outside = 0;
};

class Apply {
 public:
  using Params = ApplyParams;
  // In micrometres, fixed to moving; and the grid on which both lie.
  struct State {
    TransformSet first, second;
    Grid grid;
  };

  static void describe(KernelSchema<Params>& k) {
    k.name("register.apply").version(3);
    k.summary("Resamples an image on its own grid through one or two transforms and a translation, all at once.");
    k.source("doi:10.1109/78.193221").source("doi:10.1109/42.875199");
    k.input("image", any_real).doc("The moving image.");
    k.input("transform", transform)
        .optional()
        .doc(
            "Maps points of the fixed image to points of the moving image, per timepoint and channel where it says "
            "so.");
    k.input("second_transform", transform)
        .optional()
        .doc(
            "Taken of the point that `transform` gives. To take out drift and align channels in one: the drift is "
            "`transform`, the channels' alignment `second_transform`.");
    k.output("image", same_as("image")).doc("The moving image as seen from the fixed one's grid.");
    k.param(&Params::interpolation, "interpolation")
        .choices({"linear", "cubic"})
        .doc(
            "How values between voxels are made. `linear` never leaves the range of the voxels around and blurs a "
            "little; `cubic`, a B-spline through the voxels, keeps detail and noise, may swing beyond the range at "
            "sharp "
            "edges, and spreads NaN over 14 voxels.");
    k.param(&Params::translation, "translation")
        .range(Micrometres{-1e6}, Micrometres{1e6})
        .doc("Added to the moving point that the transforms give (z, y, x).");
    k.param(&Params::outside, "outside").range(-1e30, 1e30).doc("Value where the moving image has no voxels.");
    k.each(t, c).blockwise(Blockwise::exact).nan(NanPolicy::propagates);
  }

  State prepare(const Params&, const Geometry& geometry) const {
    State state{{}, {}, geometry.grid};
    if (geometry.small.contains("transform")) state.first = geometry.small_input<TransformSet>("transform");
    if (geometry.small.contains("second_transform"))
      state.second = geometry.small_input<TransformSet>("second_transform");
    return state;
  }

  Box3 footprint(const Params& p, const State& state, const Box3& core, const Slice& slice, const Grid& input) const {
    using interpolation::kTolerance_voxels;
    const Affine3 map = in_voxels(p, state, slice);
    const Index reach = interpolation::reach(kind(p));
    Box3 box;
    for (std::size_t i = 0; i < 3; ++i) {
      if (input.shape[i] == 1) {
        box.extent[i] = 1;
        continue;
      }
      double low = map.translation_um[i], high = low;
      for (std::size_t j = 0; j < 3; ++j) {
        const double a = map.matrix[i][j] * static_cast<double>(core.origin[j]);
        const double b = map.matrix[i][j] * static_cast<double>(core.end(j) - 1);
        low += std::min(a, b), high += std::max(a, b);
      }
      // A core that maps far outside has no voxels to read; the clamp keeps its coordinates within Index.
      const double edge = static_cast<double>(input.shape[i] + reach) + 1, before = -1 - static_cast<double>(reach);
      const auto first = static_cast<Index>(std::floor(std::clamp(low - kTolerance_voxels, before, edge)));
      const auto last = static_cast<Index>(std::floor(std::clamp(high + kTolerance_voxels, before, edge)));
      box.origin[i] = first - reach;
      box.extent[i] = last + 2 + reach - box.origin[i];
    }
    return box;
  }

  std::size_t scratch_bytes(const Params& p, const Index3& extent) const {
    if (kind(p) == Kind::linear) return 0;
    return static_cast<std::size_t>(count(extent)) * sizeof(float) + shared::smooth_bytes(extent);
  }

  void run(const Params& p, const State& state, const Block& block, Context& ctx) const {
    const auto in = block.input();
    if (block.box().empty()) {
      std::fill_n(block.output().data(), count(block.core.extent), static_cast<float>(p.outside));
      return;
    }
    if (kind(p) == Kind::linear) {
      resample(p, state, block, in, ctx);
      return;
    }
    std::vector<float> coefficients(in.data(), in.data() + count(in.shape()));
    interpolation::prefilter({coefficients.data(), in.shape()}, ctx);
    if (!ctx.cancelled()) resample(p, state, block, {coefficients.data(), in.shape()}, ctx);
  }

 private:
  static Kind kind(const Params& p) { return p.interpolation == "cubic" ? Kind::cubic : Kind::linear; }

  // The whole map from fixed to moving in voxel coordinates; its translation counts voxels.
  static Affine3 in_voxels(const Params& p, const State& state, const Slice& slice) {
    const Affine3 um = compose(state.second.at(slice.t, slice.c), state.first.at(slice.t, slice.c));
    const Spacing3& spacing = state.grid.spacing;
    Affine3 voxels;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) voxels.matrix[i][j] = um.matrix[i][j] * (spacing[j].value / spacing[i].value);
      voxels.translation_um[i] = (um.translation_um[i] + p.translation[i].value) / spacing[i].value;
    }
    return voxels;
  }

  static bool keeps_axes(const Affine3& map) {
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j)
        if (i != j && map.matrix[i][j] != 0) return false;
    return true;
  }

  static void resample(const Params& p, const State& state, const Block& block, VolumeView<const float> from,
                       const Context& ctx) {
    const Affine3 map = in_voxels(p, state, block.slice);
    const auto taps = [kind = kind(p), shape = state.grid.shape, origin = block.box().origin](double at,
                                                                                              std::size_t axis) {
      return interpolation::taps(kind, at, shape[axis], origin[axis]);
    };
    const auto outside = static_cast<float>(p.outside);
    if (keeps_axes(map))
      along_axes(map, block, taps, outside, from, ctx);
    else
      anywhere(map, block, taps, outside, from, ctx);
  }

  // Coordinates follow from a voxel's absolute index, never from its neighbour, so that every block computes the same
  // bits.
  template <class TapsAt>
  static void along_axes(const Affine3& map, const Block& block, const TapsAt& taps, float outside,
                         VolumeView<const float> from, const Context& ctx) {
    std::array<std::vector<Taps>, 3> along;
    for (std::size_t axis = 0; axis < 3; ++axis)
      for (Index i = block.core.origin[axis]; i < block.core.end(axis); ++i)
        along[axis].push_back(taps(map.matrix[axis][axis] * static_cast<double>(i) + map.translation_um[axis], axis));
    const auto out = block.output();
    std::vector<float> row(static_cast<std::size_t>(from.shape()[kX]));
    for (Index z = 0; z < out.shape()[kZ] && !ctx.cancelled(); ++z)
      for (Index y = 0; y < out.shape()[kY]; ++y) {
        const Taps &of_z = along[kZ][static_cast<std::size_t>(z)], &of_y = along[kY][static_cast<std::size_t>(y)];
        float* to = out.row(z, y);
        if (!of_z.inside || !of_y.inside) {
          std::fill_n(to, out.shape()[kX], outside);
          continue;
        }
        mix_rows(from, of_z, of_y, row);
        for (const Taps& of_x : along[kX]) {
          float sum = 0;
          for (int k = 0; k < of_x.number; ++k) {
            const auto i = static_cast<std::size_t>(k);
            sum += of_x.weight[i] * row[static_cast<std::size_t>(of_x.at[i])];
          }
          *to++ = of_x.inside ? sum : outside;
        }
      }
  }

  static void mix_rows(VolumeView<const float> from, const Taps& of_z, const Taps& of_y, std::vector<float>& row) {
    for (int i = 0; i < of_z.number; ++i)
      for (int j = 0; j < of_y.number; ++j) {
        const auto a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
        const float weight = of_z.weight[a] * of_y.weight[b];
        const float* voxels = from.row(of_z.at[a], of_y.at[b]);
        const bool first = i == 0 && j == 0;
        for (std::size_t x = 0; x < row.size(); ++x) row[x] = first ? weight * voxels[x] : row[x] + weight * voxels[x];
      }
  }

  template <class TapsAt>
  static void anywhere(const Affine3& map, const Block& block, const TapsAt& taps, float outside,
                       VolumeView<const float> from, const Context& ctx) {
    const auto out = block.output();
    const auto [nz, ny, nx] = block.core.extent;
    for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
      for (Index y = 0; y < ny; ++y) {
        const auto fixed_z = static_cast<double>(block.core.origin[kZ] + z),
                   fixed_y = static_cast<double>(block.core.origin[kY] + y);
        Point3 row_start{};
        for (std::size_t i = 0; i < 3; ++i)
          row_start[i] = map.matrix[i][kZ] * fixed_z + map.matrix[i][kY] * fixed_y + map.translation_um[i];
        for (Index x = 0; x < nx; ++x) {
          const auto fixed_x = static_cast<double>(block.core.origin[kX] + x);
          std::array<Taps, 3> of;
          for (std::size_t i = 0; i < 3; ++i) of[i] = taps(row_start[i] + map.matrix[i][kX] * fixed_x, i);
          out(z, y, x) = of[kZ].inside && of[kY].inside && of[kX].inside ? value(from, of) : outside;
        }
      }
  }

  static float value(VolumeView<const float> from, const std::array<Taps, 3>& of) {
    float sum = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(of[kZ].number); ++i)
      for (std::size_t j = 0; j < static_cast<std::size_t>(of[kY].number); ++j) {
        const float* row = from.row(of[kZ].at[i], of[kY].at[j]);
        float of_row = 0;
        for (std::size_t k = 0; k < static_cast<std::size_t>(of[kX].number); ++k)
          of_row += of[kX].weight[k] * row[of[kX].at[k]];
        sum += of[kZ].weight[i] * of[kY].weight[j] * of_row;
      }
    return sum;
  }
};
}  // namespace

VOXFLOW_KERNEL(Apply)
