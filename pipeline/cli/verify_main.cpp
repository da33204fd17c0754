// voxflow-verify: holds the artifacts of a batch against their manifests, inside a job. A task names an artifact; that
// of a damaged one fails as "damaged", and its message has a line for each damage.
#include <mutex>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/cli/batch_command.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/supervise/task_board.hpp"

namespace {
using namespace voxflow;
using record::TaskState;

record::TaskReport verify(const archive::Archive& archive, const std::string& artifact) {
  record::TaskReport report;
  const auto problems = archive::verify_artifact(archive, artifact);
  report.state = problems.empty() ? TaskState::done : TaskState::failed;
  if (!problems.empty()) report.failure_class = "damaged", report.message = join(problems, "\n");
  return report;
}

/// Whether a task may begin: the first always does, so that no job ends without having got on.
bool may_begin(const cli::BatchCall& call, const record::Task& task, bool first) {
  if (*call.stop) return false;
  const auto needed = std::chrono::duration<double>(task.resources.time_s);
  return first || !call.deadline || std::chrono::steady_clock::now() + needed < *call.deadline;
}

bool run(const cli::BatchCall& call) {
  const archive::Archive archive(call.batch.archive);
  supervise::TaskBoard board(call.batch, call.options.file + ".reports");
  std::mutex lock;
  for_each_in_parallel(call.batch.tasks.size(), static_cast<std::size_t>(call.batch.cores), [&](std::size_t i) {
    if (!may_begin(call, call.batch.tasks[i], i == 0)) return;
    {
      const std::lock_guard hold(lock);
      board.start(i);
    }
    auto report = verify(archive, call.batch.tasks[i].artifact);
    const std::lock_guard hold(lock);
    board.finish(i, std::move(report));
  });
  for (std::size_t i = 0; i < call.batch.tasks.size(); ++i)
    if (board.state(i) == TaskState::waiting) {
      record::TaskReport report;
      report.state = TaskState::failed, report.failure_class = "cancelled", report.message = "the job's time is over";
      board.finish(i, std::move(report));
    }
  return board.all_done();
}
}  // namespace

int main(int argc, char** argv) {
  return voxflow::cli::batch_command(argc, argv, "Holds the artifacts of a batch against their manifests.", run);
}
