#include "pipeline/engine/why.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::engine {

namespace {
using record::PlannedTask;
using record::TaskState;
constexpr std::size_t kShortestKey = 8;

bool is_key(std::string_view what) {
  return what.size() >= kShortestKey && std::all_of(what.begin(), what.end(), [](char ch) {
           return std::isxdigit(static_cast<unsigned char>(ch)) != 0;
         });
}

bool names(std::string_view what, const record::Task& t) {
  return what == t.image || what == t.step || what == t.image + "/" + t.step ||
         (is_key(what) && t.key.hex().starts_with(to_lower(what)));
}

std::string outcome(const record::TaskReport& r) {
  const std::string attempt = r.attempt > 1 ? fmt::format(" (attempt {})", r.attempt) : "";
  switch (r.state) {
    case TaskState::done:
      return fmt::format("  done in {:.1f} s{}\n", r.wall_s, attempt);
    case TaskState::running:
      return fmt::format("  running since {}{}\n", r.time, attempt);
    case TaskState::skipped:
      return fmt::format("  skipped: {}\n", r.message);
    case TaskState::failed: {
      std::string text = fmt::format("  failed{}: {}: {}\n", attempt, r.failure_class, r.message);
      if (!r.node.empty()) text += fmt::format("  on {}\n", r.node);
      if (!r.log.empty()) text += fmt::format("  log: {}\n", r.log);
      return text;
    }
    default:
      return "";
  }
}

std::string paragraph(const record::Plan& plan, const PlannedTask& p, const RunStatus* status) {
  std::string text = fmt::format("{}/{}  {}\n", p.task.image, p.task.step, p.task.key.hex().substr(0, 12));
  if (p.state == TaskState::done) {
    text += fmt::format("  nothing to do: its result is published in {}\n", p.task.artifact);
    return text;
  }
  for (const std::string& reason : p.reasons) text += fmt::format("  runs because: {}\n", reason);
  for (const Digest& key : p.task.after) {
    const auto from = std::find_if(plan.tasks.begin(), plan.tasks.end(),
                                   [&](const PlannedTask& other) { return other.task.key == key; });
    if (from != plan.tasks.end() && from->state != TaskState::done)
      text += fmt::format("  after: {}/{}\n", from->task.image, from->task.step);
  }
  if (!p.keep) text += "  its result is needed only by the steps that read it (keep: false)\n";
  if (const record::TaskReport* r = status == nullptr ? nullptr : status->report(p.task.key)) text += outcome(*r);
  return text;
}
}  // namespace

std::vector<const PlannedTask*> tasks_named(const record::Plan& plan, std::string_view what) {
  std::vector<const PlannedTask*> tasks;
  std::set<std::string> known;
  for (const PlannedTask& p : plan.tasks) {
    known.insert({p.task.image, p.task.step, p.task.image + "/" + p.task.step});
    if (names(what, p.task)) tasks.push_back(&p);
  }
  if (tasks.empty())
    throw UserError(fmt::format("the plan of workflow '{}' has no image, step or task '{}'{}", plan.workflow, what,
                                did_you_mean(what, std::vector<std::string>(known.begin(), known.end()))));
  return tasks;
}

std::string why(const record::Plan& plan, std::string_view what, const RunStatus* status) {
  std::string text;
  for (const PlannedTask* p : tasks_named(plan, what)) text += paragraph(plan, *p, status);
  return text;
}

}  // namespace voxflow::engine
