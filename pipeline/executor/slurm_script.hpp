// The request for batches that are alike: its script, size and time. Private to this room.
#pragma once
#include <filesystem>
#include <span>
#include <string>

#include "pipeline/executor/executor.hpp"
#include "pipeline/executor/slurm.hpp"

namespace voxflow::executor {

/// Of each core beside its task's: the program and its libraries.
inline constexpr std::uint64_t kBaseMemoryMb = 256;
/// Of a job beside its tasks': to start, and to end cleanly.
inline constexpr double kSpareTime_s = 120;

/// What a batch asks for; batches of equal sizes go into one array.
struct JobSize {
  int ranks = 1, cores_per_rank = 1;
  std::uint64_t memory_per_core_mb = 0;
  std::uint32_t minutes = 1;
  int cores() const { return ranks * cores_per_rank; }
  friend bool operator==(const JobSize&, const JobSize&) = default;
};

/// Cores that the tasks can use at a time: one task of each image, at most `most`.
int useful_cores(const std::vector<record::Task>& tasks, int most);
JobSize size_of(const record::Batch& batch, double time_limit_s);

/// How the tokens of a run's jobs begin.
std::string token_prefix(const std::string& run);

/// What marks the jobs of these batches in SLURM, so that they can be found again.
std::string token_of(std::span<const Submission> submissions);
/// voxflow-batch writes it at its end: from then on the reports are complete.
std::filesystem::path end_mark(const std::filesystem::path& batch_file);
/// The file that names the batch file of each element of an array, one a line.
std::filesystem::path list_file(std::span<const Submission> submissions);

SlurmRequest make_request(std::span<const Submission> submissions, const JobSize& size, const SlurmOptions& options);

}  // namespace voxflow::executor
