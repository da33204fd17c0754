// What reads the parts of a workflow. Private to this room.
#pragma once
#include <string>
#include <vector>

#include "pipeline/workflow/workflow.hpp"
#include "pipeline/yaml/reader.hpp"

namespace voxflow::workflow {

using yaml::LaterKey;
using yaml::Reader;
using yaml::YamlEntry;
using yaml::YamlNode;

/// Reads the `params` of a step against its kernel's declaration; a group's members may stand in a map of their own.
ParamValues read_params(Reader& reader, const YamlNode& map, const SchemaInfo& kernel, const std::string& what);

/// Reads `steps` and `resources`, checks how steps fit together, and puts every step after those it reads from.
std::vector<Step> read_steps(Reader& reader, const YamlNode& document, const KernelLookup& kernels,
                             const Workflow& workflow);

}  // namespace voxflow::workflow
