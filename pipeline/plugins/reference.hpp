// The reference page of a kernel, made from its declaration.
#pragma once
#include <string>

#include "pipeline/sdk/schema.hpp"

namespace voxflow::plugins {

/// docs/kernels/<family>.<name>.md: ports, parameters, a workflow step with the defaults, and how the kernel treats
/// blocks, axes, borders and NaN.
std::string reference_page(const SchemaInfo& schema);

}  // namespace voxflow::plugins
