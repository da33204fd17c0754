// voxflow why: why tasks run, ran, failed, or need not run.
#include <memory>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/planning.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/engine/status.hpp"
#include "pipeline/engine/why.hpp"

namespace voxflow::cli {

namespace {
void print_why_json(const record::Plan& plan, const std::string& what, const engine::RunStatus* status) {
  nlohmann::json tasks = nlohmann::json::array();
  for (const record::PlannedTask* p : engine::tasks_named(plan, what)) {
    nlohmann::json task{{"image", p->task.image},       {"step", p->task.step},  {"task", p->task.key.hex()},
                        {"artifact", p->task.artifact}, {"reasons", p->reasons}, {"state", to_string(p->state)}};
    if (const auto* report = status == nullptr ? nullptr : status->report(p->task.key))
      task["state"] = to_string(report->state), task["attempt"] = report->attempt,
      task["class"] = report->failure_class, task["message"] = report->message, task["log"] = report->log;
    tasks.push_back(std::move(task));
  }
  print_json(tasks);
}

void print_why(const record::Plan& plan, const std::string& what, const engine::RunStatus* status, bool json) {
  if (json)
    print_why_json(plan, what, status);
  else
    print(engine::why(plan, what, status));
}
}  // namespace

void add_why(CLI::App& app, Session& session) {
  struct Options {
    std::string what, run = "last", file;
  };
  auto* command = app.add_subcommand("why", "Say why a task runs, ran, failed, or need not run");
  const auto options = std::make_shared<Options>();
  command->add_option("what", options->what, "Image, step, image/step, or the first 8 or more digits of a task key")
      ->required();
  command->add_option("--run", options->run, "Run to look at (default: last)");
  command->add_option("--workflow", options->file, "Ask what running this file now would do, instead of a past run");
  command->callback([&session, options] {
    session.action = [&session, options] {
      if (!options->file.empty()) {
        print_why(plan_file(session, options->file), options->what, nullptr, session.json);
      } else {
        const auto status = engine::read_status(engine::find_run(session.archive().runs(), options->run));
        print_why(status.plan, options->what, &status, session.json);
      }
      return 0;
    };
  });
}

}  // namespace voxflow::cli
