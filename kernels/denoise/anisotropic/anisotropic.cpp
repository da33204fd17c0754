// denoise.anisotropic: ITK's curvature diffusion on stabilised voxels, one block.
#include <itkCurvatureAnisotropicDiffusionImageFilter.h>
#include <itkImage.h>

#include <algorithm>
#include <optional>

#include "kernels/shared/noise_survey.hpp"
#include "kernels/shared/restored.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using FloatImage = itk::Image<float, 3>;
using Diffusion = itk::CurvatureAnisotropicDiffusionImageFilter<FloatImage, FloatImage>;

struct AnisotropicParams {
  double conductance = 2;
  int iterations = 8;
  shared::NoiseParams noise;
  std::optional<double> saturation;
};

// Blocks are filtered in the thread that asks. ITK's pool would start one for each processor, whose stacks count as the
// task's memory.
[[maybe_unused]] const bool kWithoutPool = [] {
  itk::MultiThreaderBase::SetGlobalDefaultThreader(itk::MultiThreaderBase::ThreaderEnum::Platform);
  return true;
}();

// The border in which a voxel must see nothing but one intensity to be left as it is.
constexpr Index3 kFlatReach{1, 3, 3};
// The largest that is stable in three dimensions.
constexpr double kTimeStep = 1.0 / 16;

class Anisotropic {
 public:
  using Params = AnisotropicParams;
  using Survey = shared::NoiseSurvey;

  static void describe(KernelSchema<Params>& k) {
    k.name("denoise.anisotropic").version(1);
    k.summary(
        "Takes photon and read noise out of an image by curvature diffusion, which flows along edges and hardly across "
        "them: a baseline to compare others with.");
    k.source("doi:10.1109/34.56205")
        .source("Whitaker and Xue, Variable-conductance, level-set curvature for image denoising, ICIP 2001, 3:142-145")
        .source("doi:10.1109/TIP.2012.2202675")
        .source("doi:10.1109/TIP.2008.2001399");
    k.input("image", any_real).doc(shared::kRawDoc);
    k.output("image", same_as("image")).doc(shared::kRestoredDoc);
    k.param(&Params::conductance, "conductance")
        .range(0.1, 100.0)
        .doc("The slope from which on edges stand, in standard deviations of the noise a voxel; more smooths more.");
    k.param(&Params::iterations, "iterations")
        .range(1, 50)
        .doc("Steps of diffusion, each 1/16 of the finest voxel squared; more smooths more.");
    auto group = k.group(&Params::noise, "noise");
    shared::declare_noise(
        [&]<class M>(M shared::NoiseParams::*member, const char* name) { return group.param(member, name); });
    k.param(&Params::saturation, "saturation").range(0.0, 1e30).doc(shared::kSaturationDoc);
    k.each(t, c).blockwise(Blockwise::exact).nan(NanPolicy::ignored);
  }

  void check(const Params& p) const { shared::check_noise(p.noise); }

  // Each iteration sees one voxel further.
  Halo halo(const Params& p, const Grid& grid) const {
    Index3 reach{};
    for (std::size_t i = 0; i < 3; ++i) reach[i] = grid.shape[i] > 1 ? p.iterations + shared::kFillReach : 0;
    return shared::with_noise_halo(reach);
  }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    // ITK's result and its changes.
    return 2 * static_cast<std::size_t>(count(extent)) * sizeof(float) + shared::restore_bytes(extent) +
           shared::noise_survey_bytes(extent);
  }

  // Also where all is stated, which it is checked by.
  Survey survey(const Params&, const Block& block, Context& ctx) const { return {block, ctx}; }
  void merge(Survey& into, const Survey& next) const { into.add(next); }
  SmallValues emit(const Params& p, const Survey& survey, const Slice&) const {
    return shared::noise_findings(survey, p.noise, p.saturation);
  }

  void run(const Params& p, const Survey& survey, const Block& block, Context& ctx) const {
    shared::restore(block, survey.model(p.noise, p.saturation), p.saturation, kFlatReach, ctx,
                    [&](VolumeView<float> voxels) { diffuse(voxels, p, block.grid.spacing, ctx); });
  }

 private:
  static void diffuse(VolumeView<float> voxels, const Params& p, const Spacing3& spacing, const Context& ctx) {
    const auto image = FloatImage::New();
    FloatImage::SizeType size{};
    FloatImage::SpacingType voxel;
    const double finest = std::min({spacing[kZ].value, spacing[kY].value, spacing[kX].value});
    for (unsigned axis = 0; axis < 3; ++axis) {  // ITK counts its axes x first
      size[axis] = static_cast<itk::SizeValueType>(voxels.shape()[2 - axis]);
      voxel[axis] = spacing[2 - axis].value / finest;
    }
    image->SetRegions(size);
    image->SetSpacing(voxel);
    image->GetPixelContainer()->SetImportPointer(voxels.data(), static_cast<itk::SizeValueType>(count(voxels.shape())),
                                                 false);
    const auto diffusion = Diffusion::New();
    diffusion->SetInput(image);
    diffusion->SetInPlace(false);
    diffusion->SetTimeStep(kTimeStep);
    diffusion->SetConductanceParameter(p.conductance);
    // Not the block's own mean slope: blocks would show.
    diffusion->SetFixedAverageGradientMagnitude(1);
    diffusion->SetNumberOfIterations(static_cast<itk::IdentifierType>(p.iterations));
    diffusion->SetNumberOfWorkUnits(1);
    diffusion->AddObserver(itk::ProgressEvent(), [&](const itk::EventObject&) {
      if (ctx.cancelled()) diffusion->SetNumberOfIterations(diffusion->GetElapsedIterations());
    });
    diffusion->Update();
    std::copy_n(diffusion->GetOutput()->GetBufferPointer(), count(voxels.shape()), voxels.data());
  }
};
}  // namespace

VOXFLOW_KERNEL(Anisotropic)
