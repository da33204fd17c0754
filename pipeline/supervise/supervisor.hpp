// Drives one batch: launches teams, hands them tasks, and sees to it that a task's death costs that task alone.
#pragma once
#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/record/task.hpp"
#include "pipeline/supervise/launcher.hpp"

namespace voxflow::supervise {

struct SupervisorOptions {
  std::filesystem::path batch_file;         // reports go to <batch file>.reports, logs to <batch file>.team<k>.log
  std::filesystem::path worker_program;     // voxflow-worker
  const std::atomic<bool>* stop = nullptr;  // set by a signal: running tasks are cancelled, no others start
  /// When the job's time is over: no task starts that may not be done by then.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::chrono::milliseconds grace{3000};  // for a cancelled task, and again for an ended team, before it is killed
  std::chrono::milliseconds launch_time{60000};  // for a team to be ready
};

/// Runs every task of the batch once; true when all are done. Tasks whose results are published already count as done,
/// those that come after a failed one are skipped. A report of each start and end is appended (one write each). Throws
/// SystemError when reports or logs cannot be written.
bool run_batch(const record::Batch& batch, const Launcher& launcher, const SupervisorOptions& options);

}  // namespace voxflow::supervise
