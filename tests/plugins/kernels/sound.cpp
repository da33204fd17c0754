// A kernel without faults.
#include "pipeline/sdk/kernel.hpp"

namespace {
struct Sound {
  struct Params {
    int gain = 2;
  };
  static void describe(voxflow::KernelSchema<Params>& k) {
    k.name("test.sound").version(3).summary("The first voxel times `gain`.").nan(voxflow::NanPolicy::propagates);
    k.input("image", voxflow::any_real);
    k.output("image", voxflow::same_as("image"));
    k.param(&Params::gain, "gain").range(1, 9).doc("Factor.");
  }
  void run(const Params& p, const voxflow::Block& block, voxflow::Context&) const {
    block.output()(0, 0, 0) = static_cast<float>(p.gain) * block.input()(0, 0, 0);
  }
};
}  // namespace

VOXFLOW_KERNEL(Sound)
