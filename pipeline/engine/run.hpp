// Drives one run from its frozen plan to its end: batches, jobs, retries, journal. Knows no catalog and no voxel.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "pipeline/core/clock.hpp"
#include "pipeline/executor/executor.hpp"
#include "pipeline/record/manifest.hpp"
#include "pipeline/record/plan.hpp"

namespace voxflow::engine {

/// Tasks of one step, or of all.
struct Counts {
  std::size_t waiting = 0, running = 0, done = 0, failed = 0, skipped = 0;
  void add(record::TaskState state);
  std::size_t total() const { return waiting + running + done + failed + skipped; }
  friend bool operator==(const Counts&, const Counts&) = default;
};

/// Where a run stands; tasks that were done before it began are not counted.
struct Progress {
  Counts all;
  std::vector<std::pair<std::string, Counts>> steps;  // in the order of the plan
};

/// How a run ended. `paused`: a full disk or an executor that does not answer; to be started again when that is put
/// right.
enum class RunEnd { finished, paused, cancelled };
std::string_view to_string(RunEnd e);

struct RunOptions {
  /// Folder of the run, made by run_plan: <archive>/runs/<run id>.
  std::filesystem::path folder;
  std::vector<std::string> plugin_folders;
  int attempts = 2;                      // of one task, the first included
  std::uint64_t memory_limit_bytes = 0;  // up to which out-of-memory raises the request; 0: no raise
  double time_limit_s = 0;               // up to which a timeout raises the request; 0: no limit
  double hang_timeout_s = 600;
  std::size_t tasks_per_batch = 1000;
  std::chrono::milliseconds poll_interval{100};
  std::chrono::milliseconds cancel_grace{30000};  // that cancelled jobs get to end
  std::chrono::milliseconds busy_wait{10000};     // until an executor that takes no more jobs is asked again
  /// Whether this artifact (folder relative to the archive) is published. The manifest overrides what a job said.
  std::function<bool(const std::string& artifact)> published;
  /// Takes the events of failed attempts.
  std::function<void(const record::Event&)> emit;
  /// Told of each task that is done or has failed for good.
  std::function<void(const record::Task&, const record::TaskReport&)> ended;
  /// Told after each look at the jobs, whether or not something changed.
  std::function<void(const Progress&)> progress;
  const std::atomic<bool>* cancel = nullptr;
};

struct RunSummary {
  RunEnd end = RunEnd::finished;
  std::string message;  // why it is paused
  Progress progress;
  /// Last reports of the tasks that failed or were skipped, in the order of the plan.
  std::vector<record::TaskReport> not_done;
  double wall_s = 0;
};

/// Writes plan.json and the journal into the run's folder and runs the plan to its end. Failed tasks are in the
/// summary; throws SystemError or DiskFullError when the run's own files cannot be written, and, when what was sent has
/// ended, the UserError of an executor that refused a batch for good.
RunSummary run_plan(const record::Plan& plan, executor::Executor& executor, const Clock& clock,
                    const RunOptions& options);

}  // namespace voxflow::engine
