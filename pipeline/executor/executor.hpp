// Where batches run. The engine knows only this interface.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/record/task.hpp"

namespace voxflow::executor {

enum class JobState { queued, running, ended, lost };

/// What the executor says of a job. The manifest overrides it: done means that the manifest is there.
struct JobStatus {
  JobState state = JobState::queued;
  std::string detail;  // "exit code 1", "NODE_FAIL on n3"
};

/// Submits batches as jobs and watches them.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual std::string name() const = 0;
  /// Cores one job can have at a time; larger requests are refused at plan time.
  virtual int cores_per_job() const = 0;
  /// Batches worth having submitted at a time.
  virtual int parallel_jobs() const = 0;
  /// Starts voxflow-batch on `batch_file`; its reports go to `<batch_file>.reports` (TaskReport lines), its log to
  /// `<batch_file>.log`. Returns the job's id. Throws SystemError.
  virtual std::string submit(const std::filesystem::path& batch_file, const record::Batch& batch) = 0;
  /// State of the jobs that were asked for; one request for all.
  virtual std::map<std::string, JobStatus> poll(const std::vector<std::string>& jobs) = 0;
  virtual void cancel(const std::string& job) = 0;
};

/// Jobs as child processes of this one. `batch_program`: path of voxflow-batch. Cores: those this process may use.
std::unique_ptr<Executor> make_local_executor(std::filesystem::path batch_program, int cores);

}  // namespace voxflow::executor
