// Batches as SLURM jobs: arrays, tokens against double submission, few state requests. Knows SLURM by SlurmClient only.
#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "pipeline/core/clock.hpp"
#include "pipeline/executor/executor.hpp"
#include "pipeline/executor/slurm_client.hpp"

namespace voxflow::executor {

struct SlurmOptions {
  std::filesystem::path batch_program;  // voxflow-batch, at a path that the nodes see too
  record::SlurmSite site;
  std::chrono::milliseconds shortest_interval{1000}, longest_interval{30000};  // between state requests
  std::chrono::milliseconds patience{120000};  // for a scheduler that does not say whether it took a job
};

/// Throws UserError when the partition is not there or cannot have the site's `cores_per_job`, SystemError when SLURM
/// does not answer.
std::unique_ptr<Executor> make_slurm_executor(std::unique_ptr<SlurmClient> client, SlurmOptions options,
                                              const Clock& clock);

/// Loads libvoxflow_executor_slurm and connects it to the SLURM of SLURM_CONF. Throws UserError when this voxflow was
/// built without it, when it does not fit, or when SLURM is not configured here; SystemError when it cannot be loaded.
std::unique_ptr<SlurmClient> load_slurm_client(const std::filesystem::path& library);

/// The library beside the program of this process, or what VOXFLOW_SLURM_LIBRARY names.
std::filesystem::path default_slurm_library();

}  // namespace voxflow::executor
