// What the programs that do a batch have in common: how executors call them, and how they end.
#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/record/task.hpp"

namespace voxflow::cli {

struct BatchOptions {
  std::string file, worker, launcher = "local", end_mark;
  std::vector<std::string> srun;
  double walltime_s = 0;
};

/// A batch and what bounds it.
struct BatchCall {
  BatchOptions options;
  record::Batch batch;
  std::optional<std::chrono::steady_clock::time_point> deadline;  // of the job
  const std::atomic<bool>* stop = nullptr;                        // set by SIGTERM and SIGINT
};

/// Reads the command line and the batch file and does the batch by `work`, which says whether every task is done; then
/// writes the end mark. Returns the exit code: 0 all done, 1 some failed, 2 and 3 nothing could be run.
int batch_command(int argc, char** argv, const std::string& description,
                  const std::function<bool(const BatchCall&)>& work);

}  // namespace voxflow::cli
