// The conformance suite: does a kernel hold what its declaration promises? Runs on any registered kernel.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "pipeline/plugins/registry.hpp"

namespace voxflow::conformance {

/// What one check of one kernel came to.
struct Finding {
  std::string kernel, check;
  std::string params;   // what differs from the defaults, "" for nothing
  std::string problem;  // empty: passed
};

/// The checks, in the order in which they run.
std::vector<std::string> check_names();

/// The parameters that a kernel is checked with: its defaults; where it needs what an image's annotations say, these in
/// the middle of what is allowed.
ParamValues params_for(const AnyKernel& kernel);

/// Runs every check, or those of `only`, on synthetic inputs for each kind of port: first with default parameters, then
/// with each other choice of each parameter that has choices. Kernels run in processes of their own, so one that
/// crashes or hangs costs a finding. The caller must have one thread only. `report` is called as soon as a finding is
/// there.
std::vector<Finding> check_kernel(const plugins::Entry& kernel, const std::vector<std::string>& only,
                                  const std::function<void(const Finding&)>& report);

}  // namespace voxflow::conformance
