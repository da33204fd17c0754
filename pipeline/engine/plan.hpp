// From a workflow and a catalog to the tasks that are to run, each with the reasons why. Reads no voxel, writes
// nothing.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalog/store/client.hpp"
#include "pipeline/core/clock.hpp"
#include "pipeline/plugins/registry.hpp"
#include "pipeline/record/image_info.hpp"
#include "pipeline/record/plan.hpp"
#include "pipeline/workflow/workflow.hpp"

namespace voxflow::engine {

/// One step on one input set, as far as it is known before anything runs.
struct StepOnImages {
  const AnyKernel& kernel;
  ParamValues params;                               // resolved
  std::map<int, ParamValues> params_by_channel;     // resolved; by the first volumetric input's channel
  std::map<std::string, record::ImageInfo> images;  // volumetric inputs, by port
  std::string first_input;                          // port of the first volumetric one, "" where there is none
  std::vector<int> channels, timepoints;            // to which the step narrows it; empty: all
  std::optional<Index3> blocks;                     // wished core shape, z-y-x
  int ranks = 1, threads = 1;
  std::set<std::string> small_inputs;  // ports of connected tables, transforms and PSFs
};

struct PlanOptions {
  std::string run;      // new_run_id
  std::string archive;  // absolute path
  std::string agent;
  std::string created;  // UTC
  std::string workflow_file;
  /// Cores that one job can have; 0: unknown.
  int cores = 0;
  /// Largest memory that a step may request; 0: no limit.
  std::uint64_t memory_limit_bytes = 0;
  /// What a step's volumetric outputs will be, by port. Unset: as the first volumetric input.
  std::function<std::map<std::string, record::ImageInfo>(const StepOnImages&)> predict_output;
  /// Core shape that belongs in the task's identity; nothing where the result does not depend on it. Unset: the wish.
  std::function<std::optional<Index3>(const StepOnImages&)> block_shape;
  /// Pieces of work that ranks can share; a team has no more ranks than that. Unset: as many as are requested.
  std::function<std::size_t(const StepOnImages&)> work_units;
  /// Bytes that one block on each rank takes, of all ranks together. Unset: not checked.
  std::function<std::uint64_t(const StepOnImages&)> memory_estimate;
  /// Whether an artifact, which the catalog takes for published, has its manifest still. Unset: the catalog is
  /// believed.
  std::function<bool(const std::string&)> published;
};

/// The kernels of `registry` as the workflow's parser asks for them; `registry` must outlive it.
workflow::KernelLookup kernel_lookup(const plugins::Registry& registry);

/// A name for a run that sorts by time: "20261122-081530-first_look-3f2a".
std::string new_run_id(const std::string& workflow, const Clock& clock);

/// Selects, resolves references, computes every task's key and says which tasks are to run. Throws FileError for a
/// query that does not fit the catalog, and UserError with every image for which a reference, channel, timepoint or
/// parameter does not fit, or whose blocks need more memory than the step requests.
record::Plan make_plan(const workflow::Workflow& workflow, catalog::CatalogClient& catalog,
                       const plugins::Registry& kernels, const PlanOptions& options);

}  // namespace voxflow::engine
