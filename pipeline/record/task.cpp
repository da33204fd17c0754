#include "pipeline/record/task.hpp"

#include <fmt/format.h>

#include "pipeline/record/json.hpp"

namespace voxflow::record {

namespace {
constexpr const char* kFormat = "voxflow-batch";
constexpr int kBatchVersion = 1;

Json identity_json(const TaskIdentity& id) {
  Json by = Json::array();
  for (const auto& [channel, params] : id.params_by_channel) by.push_back({channel, Json::parse(params)});
  Json j{{"kernel", id.kernel}, {"version", id.version},   {"parameters", Json::parse(id.params)}, {"by_channel", by},
         {"inputs", id.inputs}, {"channels", id.channels}, {"timepoints", id.timepoints}};
  if (id.block_shape) j["block_shape"] = *id.block_shape;
  return j;
}

TaskIdentity identity_from(const Json& j) {
  TaskIdentity id;
  id.kernel = j.at("kernel").get<std::string>();
  id.version = j.at("version").get<int>();
  id.params = j.at("parameters").dump();
  for (const Json& p : j.at("by_channel")) id.params_by_channel[p.at(0).get<int>()] = p.at(1).dump();
  id.inputs = j.at("inputs").get<std::map<std::string, std::string>>();
  id.channels = j.at("channels").get<std::vector<int>>();
  id.timepoints = j.at("timepoints").get<std::vector<int>>();
  if (j.contains("block_shape")) id.block_shape = j["block_shape"].get<Index3>();
  return id;
}

Json task_json(const Task& t) {
  Json inputs = Json::array(), after = Json::array();
  for (const TaskInput& i : t.inputs)
    inputs.push_back({{"port", i.port}, {"id", i.id}, {"artifact", i.artifact}, {"output", i.output_port}});
  for (const Digest& d : t.after) after.push_back(d.hex());
  return {{"key", t.key.hex()},
          {"identity", identity_json(t.identity)},
          {"inputs", std::move(inputs)},
          {"project", t.project},
          {"workflow", t.workflow},
          {"workflow_sha256", t.workflow_sha256},
          {"step", t.step},
          {"run", t.run},
          {"image", t.image},
          {"artifact", t.artifact},
          {"resources",
           {{"ranks", t.resources.ranks},
            {"threads", t.resources.threads},
            {"memory_bytes", t.resources.memory_bytes},
            {"time_s", t.resources.time_s}}},
          {"attempt", t.attempt},
          {"after", std::move(after)}};
}

Task task_from(const Json& j) {
  Task t;
  t.key = digest_of(j.at("key"));
  t.identity = identity_from(j.at("identity"));
  for (const Json& i : j.at("inputs"))
    t.inputs.push_back({i.at("port").get<std::string>(), i.at("id").get<std::string>(),
                        i.at("artifact").get<std::string>(), i.at("output").get<std::string>()});
  t.project = j.at("project").get<std::string>();
  t.workflow = j.at("workflow").get<std::string>();
  t.workflow_sha256 = j.at("workflow_sha256").get<std::string>();
  t.step = j.at("step").get<std::string>();
  t.run = j.at("run").get<std::string>();
  t.image = j.at("image").get<std::string>();
  t.artifact = j.at("artifact").get<std::string>();
  const Json& r = j.at("resources");
  t.resources = {r.at("ranks").get<int>(), r.at("threads").get<int>(), r.at("memory_bytes").get<std::uint64_t>(),
                 r.at("time_s").get<double>()};
  t.attempt = j.at("attempt").get<int>();
  for (const Json& d : j.at("after")) t.after.push_back(digest_of(d));
  return t;
}

std::string folder(const std::string& project, const char* kind, const Digest& d) {
  const std::string hex = d.hex();
  return fmt::format("{}/{}/{}/{}", project, kind, hex.substr(0, 2), hex);
}
}  // namespace

std::string Task::to_json() const {
  return dump(task_json(*this));
}

Task Task::from_json(std::string_view text) {
  const Json j = parse_json(text, "task");
  return reading("task", [&] { return task_from(j); });
}

std::string Batch::to_json() const {
  Json list = Json::array();
  for (const Task& t : tasks) list.push_back(task_json(t));
  return dump(Json{{"format", kFormat},
                   {"format_version", kBatchVersion},
                   {"id", id},
                   {"run", run},
                   {"archive", archive},
                   {"agent", agent},
                   {"job", job},
                   {"cores", cores},
                   {"hang_timeout_s", hang_timeout_s},
                   {"plugin_folders", plugin_folders},
                   {"tasks", std::move(list)}},
              1) +
         "\n";
}

Batch Batch::from_json(std::string_view text) {
  const Json j = parse_json(text, "batch");
  return reading("batch", [&] {
    check_format(j, kFormat, kBatchVersion, "batch");
    Batch b;
    b.id = j.at("id").get<std::string>();
    b.run = j.at("run").get<std::string>();
    b.archive = j.at("archive").get<std::string>();
    b.agent = j.at("agent").get<std::string>();
    b.job = j.at("job").get<std::string>();
    b.cores = j.at("cores").get<int>();
    b.hang_timeout_s = j.at("hang_timeout_s").get<double>();
    b.plugin_folders = j.at("plugin_folders").get<std::vector<std::string>>();
    for (const Json& t : j.at("tasks")) b.tasks.push_back(task_from(t));
    return b;
  });
}

std::string_view to_string(TaskState s) {
  switch (s) {
    case TaskState::waiting:
      return "waiting";
    case TaskState::running:
      return "running";
    case TaskState::done:
      return "done";
    case TaskState::failed:
      return "failed";
    default:
      return "skipped";
  }
}

std::optional<TaskState> task_state_from(std::string_view name) {
  for (const auto s : {TaskState::waiting, TaskState::running, TaskState::done, TaskState::failed, TaskState::skipped})
    if (to_string(s) == name) return s;
  return std::nullopt;
}

std::string TaskReport::to_json() const {
  Json j{{"key", key.hex()}, {"state", to_string(state)}, {"attempt", attempt}, {"time", time}, {"wall_s", wall_s}};
  if (!failure_class.empty()) j["class"] = failure_class;
  if (!message.empty()) j["message"] = message;
  if (!node.empty()) j["node"] = node;
  if (!log.empty()) j["log"] = log;
  return dump(j);
}

TaskReport TaskReport::from_json(std::string_view line) {
  const Json j = parse_json(line, "task report");
  return reading("task report", [&] {
    TaskReport r;
    r.key = digest_of(j.at("key"));
    const auto named = task_state_from(j.at("state").get<std::string>());
    if (!named) throw UserError(fmt::format("'{}' is not a task state", j.at("state").get<std::string>()));
    r.state = *named;
    r.attempt = j.at("attempt").get<int>();
    r.time = j.at("time").get<std::string>();
    r.wall_s = j.at("wall_s").get<double>();
    r.failure_class = j.value("class", "");
    r.message = j.value("message", "");
    r.node = j.value("node", "");
    r.log = j.value("log", "");
    return r;
  });
}

std::string result_folder(const std::string& project, const Digest& task_key) {
  return folder(project, "results", task_key);
}

std::string acquisition_folder(const std::string& project, const Digest& content) {
  return folder(project, "acquisitions", content);
}

}  // namespace voxflow::record
