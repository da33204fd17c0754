// Which tasks of a batch wait, run, and have ended; and the file that tells the head.
#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/record/task.hpp"

namespace voxflow::supervise {

/// The states of a batch's tasks. Each change is reported by one appended line.
class TaskBoard {
 public:
  /// Throws SystemError when `reports` cannot be opened.
  TaskBoard(const record::Batch& batch, const std::filesystem::path& reports);
  ~TaskBoard();
  TaskBoard(const TaskBoard&) = delete;
  TaskBoard& operator=(const TaskBoard&) = delete;

  /// The first waiting task (in the batch's order) whose predecessors in the batch are done and for which `fits` holds.
  template <class F>
  std::optional<std::size_t> next(F&& fits) const {
    for (std::size_t i = 0; i < states_.size(); ++i)
      if (states_[i] == record::TaskState::waiting && after_done(i) && fits(batch_.tasks[i])) return i;
    return std::nullopt;
  }
  void start(std::size_t task);
  /// The task ended as `report` says (done or failed); whatever comes after a failed one is skipped.
  void finish(std::size_t task, record::TaskReport report);
  /// The task did not begin, and waits again.
  void put_back(std::size_t task) { states_[task] = record::TaskState::waiting; }
  record::TaskState state(std::size_t task) const { return states_[task]; }
  std::size_t count(record::TaskState state) const;
  bool all_done() const { return count(record::TaskState::done) == states_.size(); }

 private:
  bool after_done(std::size_t task) const;
  void skip_dependants(std::size_t task);
  void append(const record::TaskReport& report);

  const record::Batch& batch_;
  std::vector<record::TaskState> states_;
  std::map<Digest, std::size_t> of_key_;
  int reports_ = -1;
};

}  // namespace voxflow::supervise
