// noise.estimate: what a camera adds to an image, found in the image.
#include <string>

#include "kernels/shared/noise_survey.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;

struct EstimateParams : shared::NoiseParams {
  std::optional<double> saturation;
};

class Estimate {
 public:
  using Params = EstimateParams;
  using Survey = shared::NoiseSurvey;

  static void describe(KernelSchema<Params>& k) {
    k.name("noise.estimate").version(1);
    k.summary("Gain, offset and read noise of a camera, from the noise of an image's even places.");
    k.source("doi:10.1109/TIP.2008.2001399");
    k.input("image", any_real).doc("Raw, as the camera gave it: smoothed noise cannot be told from structure.");
    k.output("noise", table)
        .doc(
            "One row a volume: `gain` (intensities for a photoelectron), `offset` (intensity without light), "
            "`read_noise` (standard deviation without light, in intensities); all 0 where there is no noise. Where no "
            "place is dark, the offset is too high, and the read noise with it: state the offset then.");
    shared::declare_noise([&]<class M>(M shared::NoiseParams::*member, const char* name) {
      return k.param(static_cast<M EstimateParams::*>(member), name);
    });
    k.param(&Params::saturation, "saturation")
        .range(0.0, 1e30)
        .doc(
            "Voxels from this intensity on are taken to be clipped, and places that hold them are left out. Unset: "
            "places where several voxels have the highest intensity of all.");
    k.each(t, c).blockwise(Blockwise::exact).nan(NanPolicy::ignored);
  }

  Halo halo(const Params&, const Grid&) const { return shared::noise_halo(); }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const { return shared::noise_survey_bytes(extent); }

  Survey survey(const Params&, const Block& block, Context& ctx) const { return Survey(block, ctx); }
  void merge(Survey& into, const Survey& next) const { into.add(next); }

  SmallValues emit(const Params& p, const Survey& survey, const Slice&) const {
    const shared::NoiseModel noise = survey.model(p, p.saturation).value_or(shared::NoiseModel{0, 0, 0});
    Table row;
    row.add({"gain", "", std::vector<double>{noise.gain}});
    row.add({"offset", "", std::vector<double>{noise.offset}});
    row.add({"read_noise", "", std::vector<double>{noise.read_noise}});
    return {{"noise", std::move(row)}};
  }
};
}  // namespace

VOXFLOW_KERNEL(Estimate)
