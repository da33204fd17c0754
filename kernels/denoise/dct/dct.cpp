// denoise.dct: photon and read noise taken out of the cosine spectra of overlapping patches.
#include <cmath>
#include <limits>
#include <string>

#include "kernels/denoise/dct/shrink.hpp"
#include "kernels/shared/noise_survey.hpp"
#include "kernels/shared/restored.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using dct::Voxels;

struct DctParams {
  std::string preset = "best";
  shared::NoiseParams noise;
  std::optional<double> saturation;
};

// Thresholds in standard deviations of the noise, and its energies beside which a signal's is weighed. A plane's
// patches hold fewer coefficients, so fewer of them are large by chance.
constexpr float kThreshold = 3.1F, kPlaneThreshold = 2.9F;
constexpr float kNoise = 0.6F, kPlaneNoise = 1.5F;

// Both stages.
struct Plan {
  dct::Shrinkage first, second;
};
Plan plan_of(const DctParams& p, bool is_plane) {
  const bool best = p.preset == "best";
  if (is_plane) {
    const Index step = best ? 1 : 2;
    return {{{1, step, step}, kPlaneThreshold, 0}, {{1, step, step}, 0, kPlaneNoise}};
  }
  if (best) return {{{1, 2, 2}, kThreshold, 0}, {{1, 2, 2}, 0, kNoise}};
  return {{{2, 4, 4}, kThreshold, 0}, {{2, 3, 3}, 0, kNoise}};
}

// How far the patches over a voxel reach from it.
Index3 patch_reach(const Index3& volume) {
  Index3 reach{};
  for (std::size_t i = 0; i < 3; ++i) reach[i] = std::min(volume[i], dct::kLargestPatch[i]) - 1;
  return reach;
}

class Dct {
 public:
  using Params = DctParams;
  using Survey = shared::NoiseSurvey;

  static void describe(KernelSchema<Params>& k) {
    k.name("denoise.dct").version(1);
    k.summary(
        "Takes photon and read noise out of an image and keeps its structures, by cosine transforms of overlapping "
        "patches.");
    k.source("doi:10.1109/TIP.2007.891788")
        .source("doi:10.1109/TIP.2012.2202675")
        .source("doi:10.1109/TIP.2008.2001399");
    k.input("image", any_real).doc(shared::kRawDoc);
    k.output("image", same_as("image")).doc(shared::kRestoredDoc);
    k.param(&Params::preset, "preset")
        .choices({"best", "fast"})
        .doc("`fast` takes a third of the time, with patches further apart, and leaves a little more noise.");
    auto group = k.group(&Params::noise, "noise");
    shared::declare_noise(
        [&]<class M>(M shared::NoiseParams::*member, const char* name) { return group.param(member, name); });
    k.param(&Params::saturation, "saturation").range(0.0, 1e30).doc(shared::kSaturationDoc);
    k.each(t, c).blockwise(Blockwise::exact).nan(NanPolicy::ignored);
  }

  void check(const Params& p) const { shared::check_noise(p.noise); }

  Halo halo(const Params&, const Grid& grid) const {
    // Of both stages, and of what voxels are filled from.
    Index3 reach = patch_reach(grid.shape);
    for (Index& r : reach) r = r > 0 ? 2 * r + shared::kFillReach : 0;
    return shared::with_noise_halo(reach);
  }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    return 2 * Voxels::bytes(extent) + dct::shrink_bytes(extent) + shared::restored_bytes(extent) +
           shared::noise_survey_bytes(extent);
  }

  // Also where all is stated, which it is checked by.
  Survey survey(const Params&, const Block& block, Context& ctx) const { return {block, ctx}; }
  void merge(Survey& into, const Survey& next) const { into.add(next); }
  SmallValues emit(const Params& p, const Survey& survey, const Slice&) const {
    return shared::noise_findings(survey, p.noise, p.saturation);
  }

  void run(const Params& p, const Survey& survey, const Block& block, Context& ctx) const {
    const std::vector<float> voxels = shared::filled(block.input());
    const Box3 &box = block.box(), &core = block.core;
    const auto put = [&](const auto& estimate) {
      shared::put_restored(block, 0, voxels, p.saturation, patch_reach(block.grid.shape), estimate);
    };
    if (const auto noise = survey.model(p.noise, p.saturation)) {
      const Voxels result = denoise(voxels, *noise, p, block, ctx);
      if (ctx.cancelled()) return;
      put([&](Index z, Index y) { return result.row(core.origin[kZ] + z, core.origin[kY] + y, core.origin[kX]); });
    } else {
      const VolumeView<const float> view(voxels.data(), box.extent);
      put([&](Index z, Index y) {
        return &view(core.origin[kZ] - box.origin[kZ] + z, core.origin[kY] - box.origin[kY] + y,
                     core.origin[kX] - box.origin[kX]);
      });
    }
  }

 private:
  static Voxels denoise(const std::vector<float>& voxels, const shared::NoiseModel& noise, const Params& p,
                        const Block& block, const Context& ctx) {
    const shared::Anscombe stabilise(noise);
    const Box3 &box = block.box(), &core = block.core;
    const Index3& volume = block.grid.shape;
    const auto dark = static_cast<float>(noise.offset);
    Voxels noisy(box);
    const float* from = voxels.data();
    for (Index z = box.origin[kZ]; z < box.end(kZ); ++z)
      for (Index y = box.origin[kY]; y < box.end(kY); ++y, from += box.extent[kX]) {
        float* to = noisy.row(z, y, box.origin[kX]);
        for (Index x = 0; x < box.extent[kX]; ++x) to[x] = std::isnan(from[x]) ? dark : from[x];
        stabilise.forward(to, box.extent[kX], to);
      }
    const Plan plan = plan_of(p, volume[kZ] == 1);
    const Box3 around = intersect(grow(core, Halo::symmetric(patch_reach(volume))), box);
    const Voxels pilot = dct::shrink(noisy, nullptr, plan.first, volume, around, ctx);
    Voxels result = dct::shrink(noisy, &pilot, plan.second, volume, core, ctx);
    for (Index z = core.origin[kZ]; z < core.end(kZ); ++z)
      for (Index y = core.origin[kY]; y < core.end(kY); ++y) {
        float* row = result.row(z, y, core.origin[kX]);
        stabilise.inverse(row, core.extent[kX], row);
      }
    return result;
  }
};
}  // namespace

VOXFLOW_KERNEL(Dct)
