// Where batches run. The engine knows only this interface.
#pragma once
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pipeline/core/error.hpp"
#include "pipeline/record/task.hpp"

namespace voxflow::executor {

enum class JobState { queued, running, ended, lost };

/// What the executor says of a job. The manifest overrides it: done means that the manifest is there.
struct JobStatus {
  JobState state = JobState::queued;
  std::string detail;  // "exit code 1", "NODE_FAIL on n3"
  /// The job died of the machine (a lost node, preemption), which its tasks have no part in.
  bool blameless = false;
};

/// The executor takes no more jobs for now: later it may.
class BusyError : public SystemError {
 public:
  using SystemError::SystemError;
};

/// A batch that is to become a job, and the file that it was written to.
struct Submission {
  std::filesystem::path file;
  const record::Batch* batch = nullptr;
};

/// Ids of the jobs of the first submissions, in their order, and why there is none for the others.
struct Submitted {
  std::vector<std::string> jobs;
  std::exception_ptr problem;
};

/// Submits batches as jobs and watches them.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual std::string name() const = 0;
  /// Cores one job can have at a time; larger requests are refused at plan time.
  virtual int cores_per_job() const = 0;
  /// Memory and time up to which a task that needed more may be sent again with more; 0: no limit is known.
  virtual std::uint64_t memory_per_job() const { return 0; }
  virtual double time_per_job_s() const { return 0; }
  /// Cores for a batch of these tasks, at most cores_per_job().
  virtual int cores_for(const std::vector<record::Task>&) const { return cores_per_job(); }
  /// Whether one job can hold all of these tasks, each of which fits one alone.
  virtual bool fit_one_job(const std::vector<record::Task>&) const { return true; }
  /// Throws UserError, naming the step and the setting, when no job could ever run such a task.
  virtual void check_request(const record::Task&) const {}
  /// Batches worth having submitted at a time.
  virtual int parallel_jobs() const = 0;
  /// Starts voxflow-batch on `batch_file`; its reports go to `<batch_file>.reports` (TaskReport lines), its log to
  /// `<batch_file>.log`. Returns the job's id. Throws BusyError, SystemError, or UserError when it never will be taken.
  virtual std::string submit(const std::filesystem::path& batch_file, const record::Batch& batch) = 0;
  /// Submits several batches, in one request where they are alike.
  virtual Submitted submit_all(std::span<const Submission> submissions);
  /// State of the jobs that were asked for; one request for all.
  virtual std::map<std::string, JobStatus> poll(const std::vector<std::string>& jobs) = 0;
  virtual void cancel(const std::string& job) = 0;
  /// Cancels what a run whose head is gone has left queued or running; returns how many jobs. Throws SystemError.
  virtual std::size_t cancel_run(const std::string& /*run*/) { return 0; }
};

/// Jobs as child processes of this one. `batch_program`: path of voxflow-batch. Cores: those this process may use.
std::unique_ptr<Executor> make_local_executor(std::filesystem::path batch_program, int cores);

}  // namespace voxflow::executor
