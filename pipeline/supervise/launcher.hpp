// How a team of ranks is started: the command and the environment, by mpirun on this machine or by srun in a job.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace voxflow::supervise {

/// A program with its arguments, and variables ("NAME=value") beside those of this process.
struct Command {
  std::vector<std::string> words;
  std::vector<std::string> environment;
};

class Launcher {
 public:
  virtual ~Launcher() = default;
  /// The command that runs `worker` (a program and its arguments) as a team of `ranks` with so many cores each. What is
  /// written to its standard input reaches rank 0, whose standard output comes back; its process ends when the team
  /// does.
  virtual Command team(int ranks, int cores_per_rank, const std::vector<std::string>& worker) const = 0;
  /// Cores that a rank of a team for tasks with so many threads is confined to; 1 where it is confined to none, and one
  /// team serves tasks of any number of threads.
  virtual int cores_per_rank(int /*threads*/) const { return 1; }
};

/// Teams on this machine: mpirun, or the worker itself without MPI where there is one rank.
std::unique_ptr<Launcher> make_local_launcher();

/// Teams inside a SLURM allocation: steps that take cores of their own, on any of its nodes. `options` go to srun
/// beside voxflow's own.
std::unique_ptr<Launcher> make_srun_launcher(std::vector<std::string> options);

}  // namespace voxflow::supervise
