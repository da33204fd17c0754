#include "kernels/shared/restored.hpp"

namespace voxflow::shared {

namespace {
std::optional<float> mean_around(VolumeView<const float> in, const Index3& at) {
  for (Index reach = 1; reach <= kFillReach; ++reach) {
    const Box3 around =
        intersect({{at[kZ] - reach, at[kY] - reach, at[kX] - reach}, {2 * reach + 1, 2 * reach + 1, 2 * reach + 1}},
                  {{0, 0, 0}, in.shape()});
    double sum = 0;
    int found = 0;
    for (Index z = around.origin[kZ]; z < around.end(kZ); ++z)
      for (Index y = around.origin[kY]; y < around.end(kY); ++y)
        for (Index x = around.origin[kX]; x < around.end(kX); ++x)
          if (const float v = in(z, y, x); std::isfinite(v)) sum += static_cast<double>(v), ++found;
    if (found > 0) return static_cast<float>(sum / found);
  }
  return std::nullopt;
}
}  // namespace

std::vector<float> filled(VolumeView<const float> in) {
  const auto [nz, ny, nx] = in.shape();
  std::vector<float> voxels(in.data(), in.data() + count(in.shape()));
  std::size_t i = 0;
  for (Index z = 0; z < nz; ++z)
    for (Index y = 0; y < ny; ++y)
      for (Index x = 0; x < nx; ++x, ++i)
        if (!std::isfinite(voxels[i]))
          voxels[i] = mean_around(in, {z, y, x}).value_or(std::numeric_limits<float>::quiet_NaN());
  return voxels;
}

void restore(const Block& block, const std::optional<NoiseModel>& noise, std::optional<double> saturation,
             const Index3& reach, const Context& ctx, const std::function<void(VolumeView<float>)>& smooth) {
  const std::vector<float> known = filled(block.input());
  std::vector<float> voxels = known;
  const VolumeView<float> view(voxels.data(), block.box().extent);
  if (noise) {
    for (float& v : voxels)
      if (std::isnan(v)) v = static_cast<float>(noise->offset);
    const Anscombe stabilise(*noise);
    const auto n = static_cast<Index>(voxels.size());
    stabilise.forward(voxels.data(), n, voxels.data());
    smooth(view);
    stabilise.inverse(voxels.data(), n, voxels.data());
  }
  if (ctx.cancelled()) return;
  const Index3 &box = block.box().origin, &core = block.core.origin;
  put_restored(block, 0, known, saturation, reach, [&](Index z, Index y) {
    return view.row(core[kZ] - box[kZ] + z, core[kY] - box[kY] + y) + core[kX] - box[kX];
  });
}

std::size_t restored_bytes(const Index3& extent) {
  return static_cast<std::size_t>(count(extent)) * sizeof(float) + flat_bytes(extent);
}

std::size_t restore_bytes(const Index3& extent) {
  return restored_bytes(extent) + static_cast<std::size_t>(count(extent)) * sizeof(float);
}

}  // namespace voxflow::shared
