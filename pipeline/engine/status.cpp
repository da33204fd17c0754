#include "pipeline/engine/status.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/engine/heads.hpp"
#include "pipeline/engine/journal.hpp"

namespace voxflow::engine {

namespace {
using record::TaskState;

class Reader {
 public:
  explicit Reader(RunStatus& status) : status_(status) {}

  void operator()(const record::TaskReport& r) {
    status_.reports[r.key] = r;
    status_.updated = r.time;
  }
  void operator()(const record::JobLine& l) {
    const auto known = std::find_if(status_.jobs.begin(), status_.jobs.end(),
                                    [&](const record::JobLine& j) { return j.batch == l.batch; });
    if (known == status_.jobs.end())
      status_.jobs.push_back(l);
    else
      *known = l;
    status_.updated = l.time;
  }
  void operator()(const record::RunLine& l) {
    status_.state = l.event == "started" ? "running" : l.event;
    status_.message = l.message;
    status_.host = l.host;
    status_.pid = l.pid;
    if (status_.started.empty()) status_.started = l.time;
    status_.updated = l.time;
  }

 private:
  RunStatus& status_;
};

void count_tasks(RunStatus& status) {
  const bool over = status.state != "running";
  for (const record::PlannedTask& p : status.plan.tasks) {
    if (p.state == TaskState::done) {
      ++status.done_before;
      continue;
    }
    const record::TaskReport* report = status.report(p.task.key);
    TaskState state = report == nullptr ? TaskState::waiting : report->state;
    if (over && state == TaskState::running) state = TaskState::waiting;
    status.progress.all.add(state);
    auto& steps = status.progress.steps;
    auto step = std::find_if(steps.begin(), steps.end(), [&](const auto& s) { return s.first == p.task.step; });
    if (step == steps.end()) step = steps.insert(steps.end(), {p.task.step, Counts{}});
    step->second.add(state);
    if (state == TaskState::failed || state == TaskState::skipped)
      status.failures.push_back({p.task.key, p.task.step, p.task.image, *report});
  }
}

/// Runs in order of time, the latest last; their names begin with it.
std::vector<std::string> run_names(const std::filesystem::path& runs) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(runs, ignored))
    if (std::filesystem::exists(entry.path() / record::kPlanName)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}
}  // namespace

const record::TaskReport* RunStatus::report(const Digest& key) const {
  const auto it = reports.find(key);
  return it == reports.end() ? nullptr : &it->second;
}

RunStatus read_status(const std::filesystem::path& folder) {
  const auto plan = folder / record::kPlanName;
  if (!std::filesystem::exists(plan))
    throw UserError(fmt::format("'{}' is not a run: it has no {}", folder.string(), record::kPlanName));
  RunStatus status;
  status.plan = record::Plan::from_json(read_file(plan));
  status.state = "running";
  for (const record::JournalEntry& entry : read_journal(folder / record::kJournalName))
    std::visit(Reader(status), entry.what);
  if (status.state == "running" && head_state(status.host, status.pid) == HeadState::gone) {
    status.state = "interrupted";
    status.message = "its process is gone; run the workflow again to go on";
  }
  count_tasks(status);
  return status;
}

std::filesystem::path find_run(const std::filesystem::path& runs, std::string_view name) {
  const auto names = run_names(runs);
  if (names.empty()) throw UserError("there is no run in this archive; 'voxflow run FILE' starts one");
  if (name == "last") return runs / names.back();
  std::vector<std::string> fitting;
  for (const std::string& n : names) {
    if (n == name) return runs / n;
    if (n.starts_with(name)) fitting.push_back(n);
  }
  if (fitting.size() == 1) return runs / fitting.front();
  constexpr std::ptrdiff_t kShown = 5;
  const auto& list = fitting.empty() ? names : fitting;
  const auto shown = std::min<std::ptrdiff_t>(kShown, static_cast<std::ptrdiff_t>(list.size()));
  throw UserError(fmt::format("{} run{} '{}'{}; {}: {}", fitting.empty() ? "there is no" : "several",
                              fitting.empty() ? "" : "s begin with", name, did_you_mean(name, names),
                              fitting.empty() ? "the latest are" : "they are",
                              join(std::vector<std::string>(list.end() - shown, list.end()), ", ")));
}

}  // namespace voxflow::engine
