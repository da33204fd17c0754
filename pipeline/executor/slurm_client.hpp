// What the SLURM executor asks of a scheduler, in voxflow's words; libvoxflow_executor_slurm answers by libslurm.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/record/site.hpp"

namespace voxflow::executor {

/// One job, or an array of jobs that are alike but for their number.
struct SlurmRequest {
  std::string name, comment, script, folder, output;
  std::vector<std::string> environment;  // "NAME=value"
  int ranks = 1, cores_per_rank = 1;
  std::uint64_t memory_per_core_mb = 0;
  std::uint32_t minutes = 0;
  int elements = 0;  // of the array, numbered from 1; 0: no array
};

/// What SLURM said to a request.
struct SlurmAnswer {
  /// `busy`: not now. `refused`: never. `unknown`: no answer came; the job may be queued or not.
  enum class Kind { accepted, busy, refused, unknown };
  Kind kind = Kind::accepted;
  std::uint32_t job = 0;
  std::string text;
};

enum class SlurmState {
  pending,
  held,
  running,
  completed,
  failed,
  cancelled,
  timeout,
  out_of_memory,
  lost_node,
  preempted
};

/// A job of this user as SLURM sees it.
struct SlurmJob {
  std::uint32_t job = 0;
  std::uint32_t array = 0;               // 0: of none
  std::optional<std::uint32_t> element;  // of the array; nothing: those that are still pending together
  SlurmState state = SlurmState::pending;
  std::string comment, detail;  // detail: "NODE_FAIL on n2", "PENDING (Resources)"
  int restarts = 0;
};

/// What a job can have in a partition.
struct SlurmLimits {
  std::string partition;
  int nodes = 0, cores = 0;  // of all nodes together
  int largest_node_cores = 0;
  std::uint64_t largest_node_memory_mb = 0;
  double time_limit_s = 0;  // 0: none
  int array_elements = 1000;
};

class SlurmClient {
 public:
  virtual ~SlurmClient() = default;
  /// Of the partition ("": the default one). Throws UserError when there is none of that name, SystemError when SLURM
  /// does not answer.
  virtual SlurmLimits limits(const std::string& partition) = 0;
  virtual SlurmAnswer submit(const SlurmRequest& request, const record::SlurmSite& site) = 0;
  enum class Freshness { if_changed, anyhow };
  /// This user's jobs; nothing when none changed since the last call. One request. Throws SystemError.
  virtual std::optional<std::vector<SlurmJob>> jobs(Freshness freshness) = 0;
  /// `job`: "12", or "12_3" of an array. A job that has ended already is no error. Throws SystemError.
  virtual void cancel(const std::string& job) = 0;
};

}  // namespace voxflow::executor
