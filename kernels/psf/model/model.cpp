// psf.model: how an objective blurs, computed from its optics for an image's voxels.
#include "kernels/shared/psf_model.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;

struct ModelParams : shared::PsfParams {
  ModelParams() { model = "gibson_lanni"; }
};

class Model {
 public:
  using Params = ModelParams;
  using State = Grid;

  static void describe(KernelSchema<Params>& k) {
    k.name("psf.model").version(2);
    k.summary("The point spread function of a microscope, from its optics and the spacing of an image.");
    k.source("doi:10.1364/JOSAA.9.000154").source("doi:10.1364/JOSAA.34.001029").source("doi:10.1364/AO.46.001819");
    k.input("image", any_real).doc("Whose spacing the PSF is to have; none of its voxels is read.");
    k.output("psf", psf)
        .doc(
            "One for each channel, integrated over each voxel, with a sum of 1 and the centre of light in the middle; "
            "of "
            "one plane where the image is a single plane.");
    shared::declare_psf([&]<class M>(M shared::PsfParams::*member, const char* name) {
      return k.param(static_cast<M ModelParams::*>(member), name);
    });
    k.all(t).each(c).blockwise(Blockwise::exact).nan(NanPolicy::ignored);
  }

  void check(const Params& p) const { shared::check_psf(p, ""); }

  State prepare(const Params&, const Geometry& geometry) const { return geometry.grid; }

  SmallValues emit(const Params& p, const State& image, const Slice&) const {
    return {{"psf", shared::make_psf(p, image)}};
  }
};
}  // namespace

VOXFLOW_KERNEL(Model)
