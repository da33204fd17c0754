// voxflow plan: shows what `run` would do, and why; does nothing.
#include <map>
#include <memory>

#include <fmt/format.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/executing.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::cli {

namespace {
std::string resources_text(const record::Resources& r) {
  return fmt::format("{} x {} cores, {}", r.ranks, r.threads, format_bytes(r.memory_bytes));
}

void print_plan(const record::Plan& plan, bool all) {
  for (const std::string& note : plan.notes) print("note: " + note);
  constexpr std::size_t kShown = 20;
  TextTable table({"step", "image", "kernel", "asks for", "why"});
  std::size_t shown = 0;
  for (const auto& planned : plan.tasks) {
    if (planned.state == record::TaskState::done) continue;
    if (!all && ++shown > kShown) continue;
    const auto& task = planned.task;
    table.add(
        {task.step, task.image, task.identity.kernel, resources_text(task.resources), join(planned.reasons, "; ")});
  }
  if (table.rows() > 0) print(table.text());
  if (!all && shown > kShown) print(fmt::format("... and {} more (--all)", shown - kShown));
  const std::size_t waiting = plan.waiting();
  print(fmt::format("{} image{} selected; {} of {} tasks to run{}", plan.images, plan.images == 1 ? "" : "s", waiting,
                    plan.tasks.size(), waiting == 0 ? ": nothing is to be done" : ""));
}

}  // namespace

void add_plan(CLI::App& app, Session& session) {
  struct Options {
    std::string file;
    ExecutorOptions where;
    bool all = false;
  };
  auto* command = app.add_subcommand("plan", "Show what `run` would do, and why");
  const auto options = std::make_shared<Options>();
  command->add_option("file", options->file, "Workflow YAML file")->required();
  add_executor_options(*command, options->where);
  command->add_flag("--all", options->all, "List every task");
  command->callback([&session, options] {
    session.action = [&session, options] {
      const auto plan = plan_for(session, options->file, options->where);
      if (plan.waiting() > 0) check_requests(plan, *make_executor(session, options->where));
      if (session.json)
        print(plan.to_json());
      else
        print_plan(plan, options->all);
      return 0;
    };
  });
}

}  // namespace voxflow::cli
