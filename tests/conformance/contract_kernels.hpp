// Kernels that together use every part of the contract, for the suite to run on.
#pragma once
#include "pipeline/plugins/registry.hpp"

namespace voxflow::test {

/// Registers them: each holds what it declares.
void add_contract_kernels(plugins::Registry& registry);

}  // namespace voxflow::test
