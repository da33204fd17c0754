// One team of the supervisor: its process, the task it has, and what it is to die of.
#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/supervise/protocol.hpp"
#include "pipeline/supervise/team_process.hpp"

namespace voxflow::supervise {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Why a team's task is being ended, whatever else its death looks like.
struct Verdict {
  std::string failure_class, message;
};

/// A team and its log, `<batch file>.team<number>.log`.
class TeamSlot {
 public:
  TeamSlot(int number, int ranks, const Command& command, std::filesystem::path log);

  int number() const { return number_; }
  int ranks() const { return ranks_; }
  TeamProcess& process() { return *process_; }
  const std::filesystem::path& log() const { return log_; }

  std::optional<std::size_t> task;  // of the batch
  bool ready = false;               // has said so
  bool input_closed = false;
  SteadyTime last_sign, task_begin;  // of the process or the task
  std::optional<Verdict> verdict;

  void give(std::size_t number, const std::string& line, SteadyTime now);
  void release();
  /// Its processes have been told to end: it takes no other task.
  bool ending() const { return pressure_ == Pressure::terminated || pressure_ == Pressure::killed; }
  /// Begins to end the team: a cancelled task first, then SIGTERM, then SIGKILL, `grace` apart.
  void end_gently(Verdict why, SteadyTime now, std::chrono::milliseconds grace);
  /// As end_gently, for a team that answers no more.
  void end_now(Verdict why, SteadyTime now, std::chrono::milliseconds grace);
  /// Goes on ending the team when its time has come.
  void press_on(SteadyTime now, std::chrono::milliseconds grace);
  /// What the team wrote to its log since it got its task.
  std::string log_tail() const;

 private:
  enum class Pressure { none, cancelled, terminated, killed };
  int number_, ranks_;
  std::filesystem::path log_;
  std::unique_ptr<TeamProcess> process_;
  std::uintmax_t log_begin_ = 0;
  Pressure pressure_ = Pressure::none;
  SteadyTime next_step_;
};

}  // namespace voxflow::supervise
