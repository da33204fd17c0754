// A kernel whose declaration throws.
#include <stdexcept>

#include "pipeline/sdk/kernel.hpp"

namespace {
struct Throwing {
  struct Params {};
  static void describe(voxflow::KernelSchema<Params>&) { throw std::runtime_error("no calibration table"); }
};
}  // namespace

VOXFLOW_KERNEL(Throwing)
