#include "pipeline/engine/task_table.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace voxflow::engine {

using record::TaskState;

bool may_be_retried(const std::string& failure_class) {
  constexpr std::array<std::string_view, 8> kClasses{"crash",  "hang",    "abort",        "lost",
                                                     "launch", "timeout", "system_error", "out_of_memory"};
  return std::find(kClasses.begin(), kClasses.end(), failure_class) != kClasses.end();
}

TaskTable::TaskTable(const record::Plan& plan, int attempts, std::uint64_t memory_limit_bytes, double time_limit_s)
    : attempts_(attempts), memory_limit_bytes_(memory_limit_bytes), time_limit_s_(time_limit_s) {
  for (const record::PlannedTask& p : plan.tasks) {
    if (p.state == TaskState::done) continue;
    by_key_[p.task.key] = rows_.size();
    Row& row = rows_.emplace_back();
    row.task = p.task;
    if (std::find(steps_.begin(), steps_.end(), p.task.step) == steps_.end()) steps_.push_back(p.task.step);
  }
}

std::optional<std::size_t> TaskTable::find(const Digest& key) const {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? std::nullopt : std::optional(it->second);
}

std::vector<std::size_t> TaskTable::next_batch(std::size_t most) const {
  std::vector<std::size_t> batch;
  std::vector<bool> in_batch(rows_.size());
  const auto available = [&](const Digest& key) {
    const auto from = find(key);
    return !from || rows_[*from].state == TaskState::done || in_batch[*from];
  };
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    if (row.state != TaskState::waiting || row.batch) continue;
    if (!std::all_of(row.task.after.begin(), row.task.after.end(), available)) continue;
    if (batch.size() >= most && rows_[batch.back()].task.image != row.task.image) break;
    batch.push_back(i);
    in_batch[i] = true;
  }
  return batch;
}

std::size_t TaskTable::sendable() const {
  return next_batch(rows_.size()).size();
}

void TaskTable::sent(std::size_t row, const std::string& batch) {
  rows_[row].batch = batch;
}

void TaskTable::started(std::size_t row) {
  rows_[row].state = TaskState::running;
}

void TaskTable::done(std::size_t row) {
  rows_[row].state = TaskState::done;
  rows_[row].batch.reset();
}

bool TaskTable::may_be_lost_again(std::size_t row) {
  constexpr int kFreeLosses = 3;
  return ++rows_[row].losses <= kFreeLosses;
}

void TaskTable::returned(std::size_t row) {
  rows_[row].state = TaskState::waiting;
  rows_[row].batch.reset();
}

bool TaskTable::raise_request(record::Task& task, const std::string& failure_class) const {
  if (failure_class == "timeout") {
    if (time_limit_s_ > 0 && task.resources.time_s >= time_limit_s_) return false;
    task.resources.time_s *= 2;
    if (time_limit_s_ > 0) task.resources.time_s = std::min(task.resources.time_s, time_limit_s_);
  } else if (failure_class == "out_of_memory") {
    if (task.resources.memory_bytes >= memory_limit_bytes_) return false;
    task.resources.memory_bytes = std::min(2 * task.resources.memory_bytes, memory_limit_bytes_);
  }
  return true;
}

TaskTable::Verdict TaskTable::failed(std::size_t row, const record::TaskReport& report) {
  Row& r = rows_[row];
  r.last = report;
  r.batch.reset();
  if (may_be_retried(report.failure_class) && r.task.attempt < attempts_ &&
      raise_request(r.task, report.failure_class)) {
    ++r.task.attempt;
    r.state = TaskState::waiting;
    return Verdict::again;
  }
  r.state = TaskState::failed;
  return Verdict::failed;
}

std::vector<std::size_t> TaskTable::skip_dependants() {
  std::vector<std::size_t> skipped;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    Row& row = rows_[i];
    if (row.state != TaskState::waiting || row.batch) continue;
    for (const Digest& key : row.task.after) {
      const auto from = find(key);
      if (!from || (rows_[*from].state != TaskState::failed && rows_[*from].state != TaskState::skipped)) continue;
      row.state = TaskState::skipped;
      row.last = {};
      row.last.key = row.task.key;
      row.last.state = TaskState::skipped;
      row.last.attempt = row.task.attempt;
      row.last.message = fmt::format("it reads step '{}', which {}", rows_[*from].task.step,
                                     rows_[*from].state == TaskState::failed ? "failed" : "was skipped");
      skipped.push_back(i);
      break;
    }
  }
  return skipped;
}

Progress TaskTable::progress() const {
  Progress p;
  for (const std::string& step : steps_) p.steps.emplace_back(step, Counts{});
  for (const Row& row : rows_) {
    p.all.add(row.state);
    std::find_if(p.steps.begin(), p.steps.end(), [&](const auto& s) {
      return s.first == row.task.step;
    })->second.add(row.state);
  }
  return p;
}

}  // namespace voxflow::engine
