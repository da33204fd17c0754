// denoise.nlm: each voxel becomes the mean of those around it, in time as well, whose surroundings look alike.
#include <cmath>
#include <string>

#include "kernels/denoise/nlm/adaptive.hpp"
#include "kernels/shared/noise_survey.hpp"
#include "kernels/shared/restored.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;

struct NlmParams {
  double strength = 1;
  int timepoints = 0;
  shared::NoiseParams noise;
  std::optional<double> saturation;
};

// By how much patches may differ at a strength of 1.
constexpr float kStrength = 1.5F;
// The border in which a voxel must see nothing but one intensity to be left as it is.
constexpr Index3 kFlatReach{3, 7, 7};

class Nlm {
 public:
  using Params = NlmParams;
  using Survey = shared::NoiseSurvey;

  static void describe(KernelSchema<Params>& k) {
    k.name("denoise.nlm").version(1);
    k.summary("Takes photon and read noise out of an image by means over places, and timepoints, that look alike.");
    k.source("doi:10.1109/TMI.2009.2033991")
        .source("doi:10.1109/TIP.2012.2202675")
        .source("doi:10.1109/TIP.2008.2001399");
    k.input("image", any_real).border(Border::mirror).doc(shared::kRawDoc);
    k.output("image", same_as("image")).doc(shared::kRestoredDoc);
    k.param(&Params::strength, "strength")
        .range(0.1, 10.0)
        .doc("By how much, in parts of the noise, places may differ that are taken to be alike; more smooths more.");
    k.param(&Params::timepoints, "timepoints")
        .range(0, 3)
        .doc(
            "Timepoints before and after each that are looked into, where what moves by less than a few voxels is "
            "found again; "
            "0: each is denoised alone.");
    auto group = k.group(&Params::noise, "noise");
    shared::declare_noise(
        [&]<class M>(M shared::NoiseParams::*member, const char* name) { return group.param(member, name); });
    k.param(&Params::saturation, "saturation").range(0.0, 1e30).doc(shared::kSaturationDoc);
    k.all(t).each(c).blockwise(Blockwise::exact).nan(NanPolicy::ignored);
  }

  void check(const Params& p) const { shared::check_noise(p.noise); }

  Halo halo(const Params& p, const Grid& grid) const {
    Index3 reach = nlm::reach_of(search(p, grid.shape[kZ] == 1));
    for (std::size_t i = 0; i < 3; ++i) reach[i] += grid.shape[i] > 1 ? shared::kFillReach : 0;
    return shared::with_noise_halo(reach);
  }

  std::size_t scratch_bytes(const Params& p, const Index3& extent) const {
    return std::max(nlm::adaptive_bytes(extent, search(p, false)), nlm::adaptive_bytes(extent, search(p, true))) +
           2 * shared::restored_bytes(extent) + shared::noise_survey_bytes(extent);
  }

  // Also where all is stated, which it is checked by.
  Survey survey(const Params&, const Block& block, Context& ctx) const { return {block, ctx}; }
  void merge(Survey& into, const Survey& next) const { into.add(next); }
  SmallValues emit(const Params& p, const Survey& survey, const Slice&) const {
    return shared::noise_findings(survey, p.noise, p.saturation);
  }

  void run(const Params& p, const Survey& survey, const Block& block, Context& ctx) const {
    const auto noise = survey.model(p.noise, p.saturation);
    const auto put = [&](int timepoint, const std::vector<float>& voxels) {
      const auto slice = static_cast<std::size_t>(timepoint);
      const VolumeView<const float> view(voxels.data(), block.core.extent);
      shared::put_restored(block, slice, shared::filled(block.input("image", slice)), p.saturation, kFlatReach,
                           [&](Index z, Index y) { return view.row(z, y); });
    };
    if (!noise) {
      for (std::size_t slice = 0; slice < block.slices() && !ctx.cancelled(); ++slice)
        put(static_cast<int>(slice), core_of(shared::filled(block.input("image", slice)), block));
      return;
    }
    const shared::Anscombe stabilise(*noise);
    nlm::Series series;
    series.timepoints = static_cast<int>(block.slices());
    series.noisy = [&](int timepoint) {
      std::vector<float> voxels = shared::filled(block.input("image", static_cast<std::size_t>(timepoint)));
      for (float& v : voxels)
        if (std::isnan(v)) v = static_cast<float>(noise->offset);
      stabilise.forward(voxels.data(), static_cast<Index>(voxels.size()), voxels.data());
      return voxels;
    };
    series.put = [&](int timepoint, std::vector<float> voxels) {
      stabilise.inverse(voxels.data(), static_cast<Index>(voxels.size()), voxels.data());
      put(timepoint, voxels);
    };
    nlm::adaptive_means(series, block.box(), block.core, search(p, block.grid.shape[kZ] == 1), ctx);
  }

 private:
  static nlm::Search search(const Params& p, bool is_plane) {
    const float strength = kStrength * static_cast<float>(p.strength);
    if (is_plane) return {{0, 3, 3}, {{0, 1, 1}, {0, 2, 2}, {0, 4, 4}, {0, 6, 6}}, p.timepoints, strength};
    return {{1, 2, 2}, {{1, 1, 1}, {1, 2, 2}, {1, 4, 4}}, p.timepoints, strength};
  }

  static std::vector<float> core_of(const std::vector<float>& voxels, const Block& block) {
    const Box3 &box = block.box(), &core = block.core;
    std::vector<float> result(static_cast<std::size_t>(count(core.extent)));
    Box3 inner = core;
    for (std::size_t i = 0; i < 3; ++i) inner.origin[i] -= box.origin[i];
    copy_voxels(VolumeView<const float>(voxels.data(), box.extent).sub(inner),
                VolumeView<float>(result.data(), core.extent));
    return result;
  }
};
}  // namespace

VOXFLOW_KERNEL(Nlm)
