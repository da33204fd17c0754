#include "pipeline/record/plan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/record/json.hpp"

namespace voxflow::record {

namespace {
constexpr const char* kFormat = "voxflow-plan";
constexpr int kPlanVersion = 1;

Json planned_json(const PlannedTask& p) {
  return {
      {"task", Json::parse(p.task.to_json())}, {"state", to_string(p.state)}, {"keep", p.keep}, {"reasons", p.reasons}};
}

TaskState state_of(const Json& j) {
  const auto name = j.get<std::string>();
  const auto state = task_state_from(name);
  if (!state) throw UserError(fmt::format("'{}' is not a task state", name));
  return *state;
}

PlannedTask planned_from(const Json& j) {
  PlannedTask p;
  p.task = Task::from_json(j.at("task").dump());
  p.state = state_of(j.at("state"));
  p.keep = j.at("keep").get<bool>();
  p.reasons = j.at("reasons").get<std::vector<std::string>>();
  return p;
}

Plan plan_from(const Json& j) {
  check_format(j, kFormat, kPlanVersion, "plan");
  Plan p;
  p.run = j.at("run").get<std::string>();
  p.workflow = j.at("workflow").get<std::string>();
  p.workflow_sha256 = j.at("workflow_sha256").get<std::string>();
  p.workflow_file = j.at("workflow_file").get<std::string>();
  p.archive = j.at("archive").get<std::string>();
  p.created = j.at("created").get<std::string>();
  p.agent = j.at("agent").get<std::string>();
  p.images = j.at("images").get<std::size_t>();
  p.notes = j.at("notes").get<std::vector<std::string>>();
  for (const Json& t : j.at("tasks")) p.tasks.push_back(planned_from(t));
  return p;
}

Json line_json(const TaskReport& r) {
  Json j = Json::parse(r.to_json());
  j["line"] = "task";
  return j;
}

Json line_json(const JobLine& l) {
  return {{"line", "job"},  {"event", l.event},   {"batch", l.batch}, {"job", l.job},
          {"time", l.time}, {"detail", l.detail}, {"tasks", l.tasks}};
}

Json line_json(const RunLine& l) {
  return {{"line", "run"}, {"event", l.event},     {"host", l.host},
          {"pid", l.pid},  {"message", l.message}, {"time", l.time}};
}
}  // namespace

std::size_t Plan::waiting() const {
  return static_cast<std::size_t>(
      std::count_if(tasks.begin(), tasks.end(), [](const PlannedTask& p) { return p.state != TaskState::done; }));
}

std::string Plan::to_json() const {
  Json list = Json::array();
  for (const PlannedTask& p : tasks) list.push_back(planned_json(p));
  return dump(Json{{"format", kFormat},
                   {"format_version", kPlanVersion},
                   {"run", run},
                   {"workflow", workflow},
                   {"workflow_sha256", workflow_sha256},
                   {"workflow_file", workflow_file},
                   {"archive", archive},
                   {"created", created},
                   {"agent", agent},
                   {"images", images},
                   {"notes", notes},
                   {"tasks", std::move(list)}},
              1) +
         "\n";
}

Plan Plan::from_json(std::string_view text) {
  const Json j = parse_json(text, "plan");
  return reading("plan", [&] { return plan_from(j); });
}

std::string JournalEntry::to_json() const {
  return std::visit([](const auto& line) { return dump(line_json(line)); }, what);
}

JournalEntry JournalEntry::from_json(std::string_view line) {
  const Json j = parse_json(line, "journal line");
  return reading("journal line", [&]() -> JournalEntry {
    const auto kind = j.at("line").get<std::string>();
    if (kind == "task") return {TaskReport::from_json(line)};
    const auto text = [&](const char* name) { return j.at(name).get<std::string>(); };
    if (kind == "job")
      return {JobLine{text("event"), text("batch"), text("job"), text("detail"), text("time"),
                      j.at("tasks").get<std::size_t>()}};
    if (kind == "run")
      return {RunLine{text("event"), text("host"), text("message"), text("time"), j.at("pid").get<int>()}};
    throw UserError(fmt::format("'{}' is not a kind of journal line", kind));
  });
}

}  // namespace voxflow::record
