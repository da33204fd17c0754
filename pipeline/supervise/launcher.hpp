// How a team of ranks is started: the command and the environment. `local` uses mpirun; another site may use another.
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
  /// The command that runs `worker` (a program and its arguments) as a team of `ranks`. What is written to its standard
  /// input reaches rank 0, whose standard output comes back; its process ends when the team does.
  virtual Command team(int ranks, const std::vector<std::string>& worker) const = 0;
};

/// Teams on this machine: mpirun, or the worker itself without MPI where there is one rank.
std::unique_ptr<Launcher> make_local_launcher();

}  // namespace voxflow::supervise
