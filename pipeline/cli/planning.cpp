#include "pipeline/cli/planning.hpp"

#include <sched.h>
#include <unistd.h>

#include "pipeline/run/geometry.hpp"

namespace voxflow::cli {

namespace {
/// The planner's view of a step as the runner's.
run::Request request(const engine::StepOnImages& step) {
  run::Request r;
  r.kernel = &step.kernel;
  r.params = step.params;
  r.params_by_channel = step.params_by_channel;
  r.images = step.images;
  r.connected = step.small_inputs;
  r.channels = step.channels;
  r.timepoints = step.timepoints;
  r.blocks = step.blocks;
  return r;
}
}  // namespace

record::Plan plan_file(Session& session, const std::string& file) {
  return plan_file(session, file, {usable_cores(), physical_memory_bytes()});
}

record::Plan plan_file(Session& session, const std::string& file, const RequestLimits& limits) {
  const auto flow = workflow::load(file, engine::kernel_lookup(session.kernels()));
  engine::PlanOptions options;
  options.run = engine::new_run_id(flow.name, system_clock());
  options.archive = session.archive().root().string();
  options.agent = current_agent();
  options.created = format_time(system_clock().now());
  options.workflow_file = std::filesystem::absolute(file).string();
  options.cores = limits.cores;
  options.memory_limit_bytes = limits.memory_bytes;
  options.predict_output = [](const engine::StepOnImages& step) { return run::predict_output(request(step)); };
  options.block_shape = [](const engine::StepOnImages& step) { return run::block_shape(request(step)); };
  options.work_units = [](const engine::StepOnImages& step) { return run::work_units(request(step)); };
  options.memory_estimate = [](const engine::StepOnImages& step) {
    return static_cast<std::uint64_t>(step.ranks) * run::block_memory(request(step), step.threads);
  };
  options.published = [&session](const std::string& artifact) { return session.archive().published(artifact); };
  return engine::make_plan(flow, session.catalog(), session.kernels(), options);
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

std::uint64_t physical_memory_bytes() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace voxflow::cli
