// denoise.tv: photon and read noise taken out by the image of least total variation near to what was measured.
#include <algorithm>
#include <optional>

#include "kernels/denoise/tv/total_variation.hpp"
#include "kernels/shared/noise_survey.hpp"
#include "kernels/shared/restored.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;

struct TvParams {
  double weight = 0.8;
  shared::NoiseParams noise;
  std::optional<double> saturation;
};

constexpr int kIterations = 20;
// What is further from a block than this changes its voxels by less than kTolerance.
constexpr Index kReach = 8;
constexpr double kTolerance = 1e-3;
// The border in which a voxel must see nothing but one intensity to be left as it is.
constexpr Index3 kFlatReach{1, 3, 3};

class Tv {
 public:
  using Params = TvParams;
  using Survey = shared::NoiseSurvey;

  static void describe(KernelSchema<Params>& k) {
    k.name("denoise.tv").version(1);
    k.summary(
        "Takes photon and read noise out of an image by total variation: even areas become flat, edges stay sharp.");
    k.source("doi:10.1016/0167-2789(92)90242-F")
        .source("doi:10.1007/s10851-010-0251-1")
        .source("doi:10.1109/TIP.2012.2202675")
        .source("doi:10.1109/TIP.2008.2001399");
    k.input("image", any_real).doc(shared::kRawDoc);
    k.output("image", same_as("image")).doc(shared::kRestoredDoc);
    k.param(&Params::weight, "weight")
        .range(0.01, 10.0)
        .doc(
            "Of the total variation, in standard deviations of the noise, for slopes counted from voxel to voxel along "
            "the finest axis; more smooths more.");
    auto group = k.group(&Params::noise, "noise");
    shared::declare_noise(
        [&]<class M>(M shared::NoiseParams::*member, const char* name) { return group.param(member, name); });
    k.param(&Params::saturation, "saturation").range(0.0, 1e30).doc(shared::kSaturationDoc);
    k.each(t, c).blockwise_within(kTolerance).nan(NanPolicy::ignored);
  }

  void check(const Params& p) const { shared::check_noise(p.noise); }

  Halo halo(const Params&, const Grid& grid) const {
    Index3 reach{};
    for (std::size_t i = 0; i < 3; ++i) reach[i] = grid.shape[i] > 1 ? kReach + shared::kFillReach : 0;
    return shared::with_noise_halo(reach);
  }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    return tv::minimise_bytes(extent) + shared::restore_bytes(extent) + shared::noise_survey_bytes(extent);
  }

  // Also where all is stated, which it is checked by.
  Survey survey(const Params&, const Block& block, Context& ctx) const { return {block, ctx}; }
  void merge(Survey& into, const Survey& next) const { into.add(next); }
  SmallValues emit(const Params& p, const Survey& survey, const Slice&) const {
    return shared::noise_findings(survey, p.noise, p.saturation);
  }

  void run(const Params& p, const Survey& survey, const Block& block, Context& ctx) const {
    shared::restore(
        block, survey.model(p.noise, p.saturation), p.saturation, kFlatReach, ctx,
        [&](VolumeView<float> voxels) { tv::minimise(voxels.data(), voxels.shape(), problem(p, block.grid), ctx); });
  }

 private:
  static tv::Problem problem(const Params& p, const Grid& grid) {
    const auto& [z, y, x] = grid.spacing;
    const double finest = std::min({z.value, y.value, x.value});
    tv::Problem problem{static_cast<float>(p.weight), {}, kIterations};
    for (std::size_t i = 0; i < 3; ++i)
      problem.slopes[i] = grid.shape[i] > 1 ? static_cast<float>(finest / grid.spacing[i].value) : 0;
    return problem;
  }
};
}  // namespace

VOXFLOW_KERNEL(Tv)
