// The single checks of the suite.
#pragma once
#include <string>
#include <vector>

#include "pipeline/plugins/registry.hpp"

namespace voxflow::conformance {

/// A kernel with the parameters that it is checked with.
struct Subject {
  const plugins::Entry& entry;
  ParamValues params;
};

/// Looks at one promise; returns what is wrong, "" when it holds. May throw what the kernel's run throws.
struct Check {
  std::string name;
  std::string (*run)(const Subject&);
};

const std::vector<Check>& all_checks();

}  // namespace voxflow::conformance
