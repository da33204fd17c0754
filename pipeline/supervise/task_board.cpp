#include "pipeline/supervise/task_board.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "pipeline/core/clock.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::supervise {

using record::TaskState;

TaskBoard::TaskBoard(const record::Batch& batch, const std::filesystem::path& reports)
    : batch_(batch), states_(batch.tasks.size(), TaskState::waiting) {
  for (std::size_t i = 0; i < batch.tasks.size(); ++i) of_key_[batch.tasks[i].key] = i;
  reports_ = ::open(reports.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (reports_ < 0) throw_errno("cannot write reports to '" + reports.string() + "'", errno);
}

TaskBoard::~TaskBoard() {
  ::close(reports_);
}

void TaskBoard::start(std::size_t task) {
  states_[task] = TaskState::running;
  record::TaskReport report;
  report.key = batch_.tasks[task].key, report.state = TaskState::running, report.attempt = batch_.tasks[task].attempt;
  append(report);
}

void TaskBoard::finish(std::size_t task, record::TaskReport report) {
  report.key = batch_.tasks[task].key, report.attempt = batch_.tasks[task].attempt;
  states_[task] = report.state;
  append(report);
  if (report.state != TaskState::done) skip_dependants(task);
}

std::size_t TaskBoard::count(TaskState state) const {
  return static_cast<std::size_t>(std::count(states_.begin(), states_.end(), state));
}

bool TaskBoard::after_done(std::size_t task) const {
  // A predecessor of another batch was published before this one was sent; its worker says so where it was not.
  return std::all_of(batch_.tasks[task].after.begin(), batch_.tasks[task].after.end(), [&](const Digest& key) {
    const auto it = of_key_.find(key);
    return it == of_key_.end() || states_[it->second] == TaskState::done;
  });
}

void TaskBoard::skip_dependants(std::size_t task) {
  const record::Task& failed = batch_.tasks[task];
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const auto& after = batch_.tasks[i].after;
    if (states_[i] != TaskState::waiting || std::find(after.begin(), after.end(), failed.key) == after.end()) continue;
    record::TaskReport report;
    report.state = TaskState::skipped;
    report.message = fmt::format("it reads from step '{}', which {}", failed.step,
                                 states_[task] == TaskState::skipped ? "was skipped" : "failed");
    finish(i, report);
  }
}

void TaskBoard::append(const record::TaskReport& report) {
  record::TaskReport stamped = report;
  stamped.time = format_time(system_clock().now());
  const std::string line = stamped.to_json() + "\n";
  if (::write(reports_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    throw_errno("cannot append to the batch's reports", errno);
}

}  // namespace voxflow::supervise
