// Where a workflow is to run: what `plan` and `run` share.
#pragma once
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "pipeline/cli/session.hpp"
#include "pipeline/executor/executor.hpp"
#include "pipeline/record/plan.hpp"
#include "pipeline/record/site.hpp"

namespace voxflow::cli {

struct ExecutorOptions {
  std::string executor = "local", site;
  bool local() const { return executor == "local"; }
};

/// Adds --executor and --site; `options` must live as long as `command`.
void add_executor_options(CLI::App& command, ExecutorOptions& options);

/// The settings of `option` (--site), VOXFLOW_SITE or the archive's site.yaml; the defaults where there are none.
/// Throws FileError.
record::Site site_settings(Session& session, const std::string& option);

/// The executor, with the settings of --site, VOXFLOW_SITE or the archive's site.yaml. `batch_program`, beside this
/// program, does the batches. Throws FileError, UserError and SystemError.
std::unique_ptr<executor::Executor> make_executor(Session& session, const ExecutorOptions& options,
                                                  const std::string& batch_program = "voxflow-batch");

/// Plans the workflow; for the local executor, requests are held against this machine. Throws as plan_file does.
record::Plan plan_for(Session& session, const std::string& file, const ExecutorOptions& options);

/// Throws UserError for a request of a step to run that no job could ever have.
void check_requests(const record::Plan& plan, const executor::Executor& executor);

}  // namespace voxflow::cli
