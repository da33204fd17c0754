// A kernel whose parameter has neither range nor sentence.
#include "pipeline/sdk/kernel.hpp"

namespace {
struct Undocumented {
  struct Params {
    double strength = 1;
  };
  static void describe(voxflow::KernelSchema<Params>& k) {
    k.name("test.undocumented").version(1).summary("Nothing.");
    k.output("mask", voxflow::mask);
    k.param(&Params::strength, "strength");
  }
  void run(const Params&, const voxflow::Block&, voxflow::Context&) const {}
};
}  // namespace

VOXFLOW_KERNEL(Undocumented)
