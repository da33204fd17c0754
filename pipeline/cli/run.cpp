// voxflow run: plans a workflow, runs it to its end, and takes the results into the catalog.
#include <algorithm>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "pipeline/cli/commands.hpp"
#include "pipeline/cli/executing.hpp"
#include "pipeline/cli/interrupt.hpp"
#include "pipeline/cli/planning.hpp"
#include "pipeline/cli/print.hpp"
#include "pipeline/cli/progress.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/engine/heads.hpp"
#include "pipeline/engine/run.hpp"

namespace voxflow::cli {

namespace {
struct Options {
  std::string file;
  bool takeover = false;
  ExecutorOptions where;
  int attempts = 2;
  double hang_timeout_s = 600;
};

engine::RunOptions run_options(Session& session, const record::Plan& plan, const executor::Executor& executor,
                               const Options& options) {
  engine::RunOptions run;
  const archive::Archive& archive = session.archive();
  run.folder = archive.runs() / plan.run;
  for (const auto& folder : plugins::default_folders()) run.plugin_folders.push_back(folder.string());
  run.attempts = options.attempts;
  run.hang_timeout_s = options.hang_timeout_s;
  run.memory_limit_bytes = options.where.local() ? physical_memory_bytes() : executor.memory_per_job();
  run.time_limit_s = executor.time_per_job_s();
  run.published = [&archive](const std::string& artifact) { return archive.published(artifact); };
  run.emit = [&archive](const record::Event& event) { archive::emit_event(archive, event); };
  run.cancel = &interrupted();
  return run;
}

/// What a run found published, but the catalog does not know, lost its event with the process that should have written
/// it: the event is derived from the manifest again.
void ingest_results(Session& session, const record::Plan& plan) {
  auto& catalog = session.catalog();
  catalog.ingest();
  std::vector<std::string> artifacts;
  for (const auto& planned : plan.tasks)
    if (session.archive().published(planned.task.artifact)) artifacts.push_back(planned.task.artifact);
  const std::vector<bool> known = catalog.published(artifacts);
  if (std::find(known.begin(), known.end(), false) == known.end()) return;
  for (std::size_t i = 0; i < artifacts.size(); ++i)
    if (const auto manifest = known[i] ? std::nullopt : session.archive().manifest(artifacts[i]))
      archive::emit_event(session.archive(), record::published_event(*manifest, artifacts[i]));
  catalog.ingest();
}

void print_failures(const engine::RunSummary& summary, const record::Plan& plan) {
  std::map<Digest, const record::Task*> tasks;
  for (const auto& planned : plan.tasks) tasks[planned.task.key] = &planned.task;
  TextTable table({"not done", "image", "class", "message"});
  for (const auto& report : summary.not_done) {
    const record::Task& task = *tasks.at(report.key);
    table.add({task.step, task.image, report.failure_class, report.message});
  }
  if (table.rows() > 0) print(table.text());
}

/// One head at a time for a task. What a head that is gone has left in the queue is cancelled: it would compute the
/// same again.
void clear_the_way(Session& session, const record::Plan& plan, executor::Executor& executor, bool takeover) {
  for (const engine::OpenRun& other : engine::open_runs(session.archive().runs(), plan)) {
    const std::string who = fmt::format("run {} is at {} of the same tasks (process {} on {}, since {})", other.run,
                                        other.shared_tasks, other.pid, other.host, other.started);
    if (other.head == engine::HeadState::at_work)
      throw UserError(fmt::format("{}; wait for its end, or end it with `kill {}`", who, other.pid));
    if (other.head == engine::HeadState::elsewhere && !takeover)
      throw UserError(fmt::format("{}; wait for its end, or give --takeover when that process is there no more", who));
    const std::size_t jobs = executor.cancel_run(other.run);
    log::info("run {} was interrupted; {} of its jobs were left and are cancelled, what it has done counts", other.run,
              jobs);
    engine::close_run(other, fmt::format("run {} goes on in its place", plan.run), system_clock());
  }
}

/// Says that nothing is to be done, and why.
int nothing_to_do(const Session& session, const record::Plan& plan) {
  if (session.json)
    print_json({{"run", nullptr}, {"images", plan.images}, {"done_before", plan.tasks.size()}});
  else if (plan.tasks.empty())
    print(fmt::format("{}: no image was selected: nothing is to be done", plan.workflow));
  else
    print(fmt::format("{}: {} image{}, {} tasks, all done before: nothing is to be done", plan.workflow, plan.images,
                      plan.images == 1 ? "" : "s", plan.tasks.size()));
  return 0;
}

void print_summary(const Session& session, const record::Plan& plan, const engine::RunSummary& summary) {
  const auto& all = summary.progress.all;
  if (session.json) {
    print_json({{"run", plan.run},
                {"end", to_string(summary.end)},
                {"message", summary.message},
                {"images", plan.images},
                {"done_before", plan.tasks.size() - plan.waiting()},
                {"done", all.done},
                {"failed", all.failed},
                {"skipped", all.skipped},
                {"seconds", summary.wall_s}});
    return;
  }
  print_failures(summary, plan);
  print(fmt::format("run {} {}: {} done, {} failed, {} skipped in {:.1f} s", plan.run, to_string(summary.end), all.done,
                    all.failed, all.skipped, summary.wall_s));
  if (!summary.message.empty()) print(summary.message);
  if (summary.end == engine::RunEnd::paused)
    print("remove the cause, then run the workflow again: it goes on from here");
  if (summary.end == engine::RunEnd::cancelled) print("run the workflow again to go on from here");
}

int run(Session& session, const Options& options) {
  const auto plan = plan_for(session, options.file, options.where);
  for (const std::string& note : plan.notes) log::info("{}", note);
  if (plan.waiting() == 0) return nothing_to_do(session, plan);
  const auto executor = make_executor(session, options.where);
  check_requests(plan, *executor);
  clear_the_way(session, plan, *executor, options.takeover);
  log::info("run {}: {} of {} tasks to run on {} image{}", plan.run, plan.waiting(), plan.tasks.size(), plan.images,
            plan.images == 1 ? "" : "s");
  archive::remove_leftovers(session.archive());
  auto run = run_options(session, plan, *executor, options);
  const auto summary = [&] {
    ProgressDisplay display(system_clock());
    run.progress = [&display](const engine::Progress& progress) { display.show(progress); };
    return engine::run_plan(plan, *executor, system_clock(), run);
  }();
  print_summary(session, plan, summary);
  ingest_results(session, plan);
  if (summary.end == engine::RunEnd::paused) return static_cast<int>(ExitCode::system);
  const auto& all = summary.progress.all;
  return all.failed + all.skipped == 0 && summary.end == engine::RunEnd::finished
             ? 0
             : static_cast<int>(ExitCode::failed_tasks);
}
}  // namespace

void add_run(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("run", "Run a workflow on everything that is new or has changed");
  const auto options = std::make_shared<Options>();
  command->add_option("file", options->file, "Workflow YAML file")->required();
  add_executor_options(*command, options->where);
  command->add_flag("--takeover", options->takeover,
                    "Go on in the place of an unfinished run whose process, on another host, is there no more");
  command->add_option("--attempts", options->attempts, "How often a crashed task is tried (default 2)")
      ->check(CLI::Range(1, 10));
  command
      ->add_option("--hang-timeout", options->hang_timeout_s,
                   "Seconds without a sign of life after which a task is ended (600)")
      ->check(CLI::Range(1.0, 86400.0));
  command->callback([&session, options] { session.action = [&session, options] { return run(session, *options); }; });
}

}  // namespace voxflow::cli
