// voxflow status: how a run stands.
#include <memory>

#include <fmt/format.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/engine/status.hpp"

namespace voxflow::cli {

namespace {
nlohmann::json counts_json(const engine::Counts& c) {
  return {
      {"waiting", c.waiting}, {"running", c.running}, {"done", c.done}, {"failed", c.failed}, {"skipped", c.skipped}};
}

void print_status_json(const engine::RunStatus& status) {
  nlohmann::json j{{"run", status.plan.run},
                   {"workflow", status.plan.workflow},
                   {"state", status.state},
                   {"tasks", counts_json(status.progress.all)},
                   {"done_before", status.done_before},
                   {"failures", nlohmann::json::array()}};
  for (const auto& [step, counts] : status.progress.steps) j["steps"][step] = counts_json(counts);
  for (const auto& f : status.failures)
    j["failures"].push_back({{"task", f.key.hex()},
                             {"step", f.step},
                             {"image", f.image},
                             {"state", to_string(f.report.state)},
                             {"class", f.report.failure_class},
                             {"message", f.report.message},
                             {"log", f.report.log}});
  print_json(j);
}

int show_status(Session& session, const std::string& name) {
  const auto status = engine::read_status(engine::find_run(session.archive().runs(), name));
  if (session.json) {
    print_status_json(status);
    return 0;
  }
  print(fmt::format("run {} of workflow '{}': {}{}", status.plan.run, status.plan.workflow, status.state,
                    status.message.empty() ? "" : ", " + status.message));
  TextTable table({"step", "done", "running", "waiting", "failed", "skipped"});
  const auto row = [&](const std::string& step, const engine::Counts& c) {
    table.add({step, std::to_string(c.done), std::to_string(c.running), std::to_string(c.waiting),
               std::to_string(c.failed), std::to_string(c.skipped)});
  };
  for (const auto& [step, counts] : status.progress.steps) row(step, counts);
  row("all", status.progress.all);
  print(table.text());
  if (status.done_before > 0) print(fmt::format("{} tasks were done before", status.done_before));
  for (const auto& f : status.failures)
    print(fmt::format("{} {}/{}: {}: {}{}", to_string(f.report.state), f.image, f.step, f.report.failure_class,
                      f.report.message, f.report.log.empty() ? "" : "\n  log: " + f.report.log));
  return 0;
}
}  // namespace

void add_status(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("status", "Show how a run stands");
  const auto name = std::make_shared<std::string>("last");
  command->add_option("run", *name, "Run, the beginning of its name, or 'last' (default)");
  command->callback([&session, name] { session.action = [&session, name] { return show_status(session, *name); }; });
}

}  // namespace voxflow::cli
