// The states of a run's tasks, and the rules by which they change. Pure: no file, no job, no clock. Private to this
// room.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/engine/run.hpp"
#include "pipeline/record/plan.hpp"

namespace voxflow::engine {

/// Whether a failure of that class may go away by itself.
bool may_be_retried(const std::string& failure_class);

class TaskTable {
 public:
  TaskTable(const record::Plan& plan, int attempts, std::uint64_t memory_limit_bytes, double time_limit_s);

  struct Row {
    record::Task task;  // attempt and resources as for its next (or present) launch
    record::TaskState state = record::TaskState::waiting;
    std::optional<std::string> batch;  // in which it was sent
    record::TaskReport last;
    int losses = 0;  // with jobs that were lost through no fault of its own
  };

  const std::vector<Row>& rows() const { return rows_; }
  std::optional<std::size_t> find(const Digest& key) const;

  /// The next batch: waiting tasks in the plan's order, all of whose inputs are done or in the batch before them. Whole
  /// images; at most `most` tasks unless one image has more. Empty when nothing can be sent.
  std::vector<std::size_t> next_batch(std::size_t most) const;
  /// How many tasks could be sent now.
  std::size_t sendable() const;

  void sent(std::size_t row, const std::string& batch);
  void started(std::size_t row);
  void done(std::size_t row);
  /// Counts the loss of a job through no fault of its tasks; false when that happened so often that it costs an
  /// attempt.
  bool may_be_lost_again(std::size_t row);
  /// Back to waiting, at no cost.
  void returned(std::size_t row);
  enum class Verdict { again, failed };
  /// An attempt that failed; out-of-memory and timeout raise the request of the next one.
  Verdict failed(std::size_t row, const record::TaskReport& report);
  /// Waiting tasks that read from a failed or skipped one become skipped; their rows, for the journal.
  std::vector<std::size_t> skip_dependants();

  Progress progress() const;

 private:
  bool raise_request(record::Task& task, const std::string& failure_class) const;

  std::vector<Row> rows_;
  std::map<Digest, std::size_t> by_key_;
  std::vector<std::string> steps_;
  int attempts_;
  std::uint64_t memory_limit_bytes_;
  double time_limit_s_;
};

}  // namespace voxflow::engine
