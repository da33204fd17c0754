#include "pipeline/cli/executing.hpp"

#include <cstdlib>
#include <filesystem>
#include <set>

#include "pipeline/cli/planning.hpp"
#include "pipeline/executor/slurm.hpp"
#include "pipeline/workflow/site.hpp"

namespace voxflow::cli {

record::Site site_settings(Session& session, const std::string& option) {
  if (!option.empty()) return workflow::load_site(option);
  if (const char* named = std::getenv("VOXFLOW_SITE"); named != nullptr && *named != '\0')
    return workflow::load_site(named);
  const auto file = session.archive().root() / "site.yaml";
  return std::filesystem::exists(file) ? workflow::load_site(file) : record::Site{};
}

void add_executor_options(CLI::App& command, ExecutorOptions& options) {
  command.add_option("--executor", options.executor, "Where to run: local (this machine, the default) or slurm")
      ->check(CLI::IsMember({"local", "slurm"}));
  command.add_option("--site", options.site,
                     "Site settings (YAML); unless given VOXFLOW_SITE, or site.yaml in the archive");
}

std::unique_ptr<executor::Executor> make_executor(Session& session, const ExecutorOptions& options,
                                                  const std::string& batch_program) {
  if (options.local()) return executor::make_local_executor(program_folder() / batch_program, usable_cores());
  executor::SlurmOptions slurm;
  slurm.batch_program = program_folder() / batch_program;
  slurm.site = site_settings(session, options.site).slurm;
  return executor::make_slurm_executor(executor::load_slurm_client(executor::default_slurm_library()), slurm,
                                       system_clock());
}

record::Plan plan_for(Session& session, const std::string& file, const ExecutorOptions& options) {
  return options.local() ? plan_file(session, file) : plan_file(session, file, RequestLimits{});
}

void check_requests(const record::Plan& plan, const executor::Executor& executor) {
  std::set<std::string> steps;
  for (const auto& planned : plan.tasks)
    if (planned.state != record::TaskState::done && steps.insert(planned.task.step).second)
      executor.check_request(planned.task);
}

}  // namespace voxflow::cli
