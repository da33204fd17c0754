// The process of one team with pipes to its input and from its output.
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/supervise/launcher.hpp"

namespace voxflow::supervise {

/// A child in a process group of its own, which dies with this process. Its standard error goes to a log file.
class TeamProcess {
 public:
  /// Throws SystemError when the child cannot be made; a program that is not there ends with exit code 127.
  TeamProcess(const Command& command, const std::filesystem::path& log);
  /// Ends the child for good.
  ~TeamProcess();
  TeamProcess(const TeamProcess&) = delete;
  TeamProcess& operator=(const TeamProcess&) = delete;

  pid_t pid() const { return pid_; }
  /// Descriptor to wait on for output.
  int output() const { return output_; }
  /// Writes a line; false when the team no longer reads.
  bool send(const std::string& line);
  /// No more tasks: the team ends when it has done what it was given.
  void close_input();
  /// Whole lines that have come since, without their ends. Never waits.
  std::vector<std::string> read_lines();
  /// How the child ended (as of waitpid); nothing while it runs.
  std::optional<int> ended();
  /// Asks the launcher to end its ranks.
  void terminate();
  /// Ends all processes of the group at once.
  void kill();

 private:
  pid_t pid_ = -1;
  int input_ = -1, output_ = -1;
  std::string partial_;
  std::optional<int> status_;
};

}  // namespace voxflow::supervise
