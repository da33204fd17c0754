// What every denoiser does with voxels that hold no noisy measurement: NaN, infinite, clipped, and places without
// noise.
#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "kernels/shared/anscombe.hpp"
#include "kernels/shared/flat.hpp"
#include "pipeline/sdk/block.hpp"

namespace voxflow::shared {

/// What a denoiser's page says of its input, its output, and its parameter `saturation`.
inline constexpr const char* kRawDoc =
    "Raw, as the camera gave it: the noise of one voxel must tell nothing about that of the next.";
inline constexpr const char* kRestoredDoc =
    "The expected intensities, with the input's voxel type. As they were stay: an image without noise or, unless the "
    "noise is stated, of less than 10 voxels in y or x; voxels around which all have one intensity; where `saturation` "
    "is set, clipped voxels. "
    "Voxels that are NaN or infinite get what is around them; more than two voxels from any other they are NaN.";
inline constexpr const char* kSaturationDoc =
    "Voxels from this intensity on are clipped: they stay as they are, and the noise is not looked for near them. "
    "Unset: the noise is not looked for where several voxels have the highest intensity of all.";

/// How far around a voxel that is not finite others are looked for.
inline constexpr Index kFillReach = 2;

/// The voxels in raster order, those that are not finite replaced by the mean of the nearest finite ones around them;
/// NaN where there are none.
std::vector<float> filled(VolumeView<const float> in);

/// Writes the core of slice `slice`: rows of intensities from `estimate(z, y)`, in voxels of the core, except where
/// `filled_input`, of the block's box, is NaN, the input is clipped, or nothing but one intensity is within `reach`.
template <class Estimate>
void put_restored(const Block& block, std::size_t slice, const std::vector<float>& filled_input,
                  std::optional<double> saturation, const Index3& reach, const Estimate& estimate) {
  const auto in = block.input("image", slice);
  const auto out = block.output("image", slice);
  const Box3 &box = block.box(), &core = block.core;
  const std::vector<std::uint8_t> flat = flat_voxels(in, box, core, reach);
  const auto clipped = static_cast<float>(saturation.value_or(std::numeric_limits<double>::infinity()));
  const Index3 halo{core.origin[kZ] - box.origin[kZ], core.origin[kY] - box.origin[kY],
                    core.origin[kX] - box.origin[kX]};
  std::size_t i = 0;
  for (Index z = 0; z < core.extent[kZ]; ++z)
    for (Index y = 0; y < core.extent[kY]; ++y) {
      const float* row = estimate(z, y);
      const float* was = in.row(halo[kZ] + z, halo[kY] + y) + halo[kX];
      const float* known = filled_input.data() + (was - in.data());
      for (Index x = 0; x < core.extent[kX]; ++x, ++i) {
        const bool stays = flat[i] != 0 || (was[x] >= clipped && std::isfinite(was[x]));
        out(z, y, x) = stays ? was[x] : std::isnan(known[x]) ? known[x] : row[x];
      }
    }
}

/// Writes the core of a block of one slice: its box is stabilised, `smooth`ed in place, and taken back; without noise
/// it stays as it is but for what `filled` fills. Nothing is written when cancelled.
void restore(const Block& block, const std::optional<NoiseModel>& noise, std::optional<double> saturation,
             const Index3& reach, const Context& ctx, const std::function<void(VolumeView<float>)>& smooth);

/// Bytes that `filled` and `put_restored` take for a block of that box.
std::size_t restored_bytes(const Index3& extent);
/// Bytes that `restore` takes for it, beside those of `smooth`.
std::size_t restore_bytes(const Index3& extent);

}  // namespace voxflow::shared
