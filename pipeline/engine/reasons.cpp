#include "pipeline/engine/reasons.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "pipeline/record/params.hpp"

namespace voxflow::engine {

namespace {
constexpr const char* kGone = "its result is not there: removed, or the project was another";

using record::IdentityDifference;

std::string unquoted(const std::string& json) {
  return json.size() >= 2 && json.front() == '"' ? json.substr(1, json.size() - 2) : json;
}

std::string with_unit(const std::string& json, const SchemaInfo* kernel, const std::string& name) {
  if (json.empty() || json == "null") return "unset";
  const ParamInfo* info = kernel == nullptr ? nullptr : kernel->param(name.substr(0, name.find(" of channel ")));
  double v = 0;
  const auto [end, ec] = std::from_chars(json.data(), json.data() + json.size(), v);
  const bool is_number = ec == std::errc{} && end == json.data() + json.size();
  if (info == nullptr || info->unit.empty()) return is_number ? format_number(v) : unquoted(json);
  return is_number ? format_quantity(v, info->unit) : fmt::format("{} {}", json, info->unit);
}

std::string input_text(const IdentityDifference& d, const workflow::Step& step) {
  const auto input = std::find_if(step.inputs.begin(), step.inputs.end(),
                                  [&](const workflow::StepInput& i) { return i.port == d.name; });
  if (d.before.empty()) return fmt::format("input '{}' is new", d.name);
  if (d.after.empty() || input == step.inputs.end()) return fmt::format("input '{}' is gone", d.name);
  switch (input->from) {
    case workflow::StepInput::From::step:
      return fmt::format("step '{}' gives another '{}'", input->name, d.name);
    case workflow::StepInput::From::reference:
      return fmt::format("reference '{}' is another image", input->name);
    default:
      return fmt::format("input '{}' is another image", d.name);
  }
}

std::string text(const IdentityDifference& d, const workflow::Step& step, const SchemaInfo* kernel) {
  if (d.part == "kernel") return fmt::format("kernel changed: {} → {}", unquoted(d.before), unquoted(d.after));
  if (d.part == "version") return fmt::format("kernel {} changed: version {} → {}", step.kernel, d.before, d.after);
  if (d.part == "parameter")
    return fmt::format("{} changed: {} → {}", d.name, with_unit(d.before, kernel, d.name),
                       with_unit(d.after, kernel, d.name));
  if (d.part == "input") return input_text(d, step);
  const std::string name = d.part == "block_shape" ? "blocks" : d.part;
  return fmt::format("{} changed: {} → {}", name, d.before.empty() ? "all" : d.before,
                     d.after.empty() ? "all" : d.after);
}

std::vector<std::string> compared(const catalog::Activity& before, const record::Task& task, const workflow::Step& step,
                                  const SchemaInfo* kernel) {
  const auto differences = record::identity_differences(before.identity, task.identity.canonical());
  if (differences.empty()) return {kGone};
  std::vector<std::string> reasons;
  for (const IdentityDifference& d : differences) {
    reasons.push_back(text(d, step, kernel));
    if (d.part == "kernel") break;  // another kernel has other parameters and ports altogether
  }
  return reasons;
}

std::vector<std::string> reasons_of(const std::vector<catalog::Activity>& history, const record::Task& task,
                                    const workflow::Step& step, const SchemaInfo* kernel) {
  const auto done = std::find_if(history.begin(), history.end(),
                                 [](const catalog::Activity& a) { return a.status == "done" && !a.identity.empty(); });
  std::vector<std::string> reasons;
  const std::string identity = task.identity.canonical();
  const bool once_done = std::any_of(history.begin(), history.end(), [&](const catalog::Activity& a) {
    return a.status == "done" && a.identity == identity;
  });
  if (once_done)
    reasons = {kGone};
  else if (done != history.end())
    reasons = compared(*done, task, step, kernel);
  if (const catalog::Activity* last = history.empty() ? nullptr : &history.front();
      last != nullptr && last->status == "failed" && last->task_key == task.key)
    reasons.push_back(fmt::format("failed the last time ({}): {}", last->failure_class, last->message));
  return reasons;
}
}  // namespace

void find_reasons(record::Plan& plan, const std::vector<std::string>& sources, const workflow::Workflow& workflow,
                  catalog::CatalogClient& catalog, const plugins::Registry& kernels) {
  std::set<std::string> known;
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    record::PlannedTask& planned = plan.tasks[i];
    if (planned.state == record::TaskState::done) {
      known.insert(sources[i]);
      continue;
    }
    const workflow::Step* step = workflow.step(planned.task.step);
    const auto history = catalog.history(workflow.name, planned.task.step, sources[i]);
    if (!history.empty()) known.insert(sources[i]);
    const plugins::Entry* entry = kernels.find_if_there(step->kernel);
    planned.reasons = reasons_of(history, planned.task, *step, entry == nullptr ? nullptr : &entry->kernel->schema());
  }
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    record::PlannedTask& planned = plan.tasks[i];
    if (planned.state != record::TaskState::done && planned.reasons.empty())
      planned.reasons.push_back(known.contains(sources[i]) ? "never ran on this image" : "new image");
  }
}

}  // namespace voxflow::engine
