// Why tasks run: what differs from the last time. Private to this room.
#pragma once
#include <string>
#include <vector>

#include "catalog/store/client.hpp"
#include "pipeline/plugins/registry.hpp"
#include "pipeline/record/plan.hpp"
#include "pipeline/workflow/workflow.hpp"

namespace voxflow::engine {

/// Fills in the reasons of every waiting task; `sources[i]`: id of the image that task i is for.
void find_reasons(record::Plan& plan, const std::vector<std::string>& sources, const workflow::Workflow& workflow,
                  catalog::CatalogClient& catalog, const plugins::Registry& kernels);

}  // namespace voxflow::engine
