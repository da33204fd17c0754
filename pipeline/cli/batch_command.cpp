#include "pipeline/cli/batch_command.hpp"

#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/log.hpp"

namespace voxflow::cli {

namespace {
std::atomic<bool> stop{false};

extern "C" void on_terminate(int) {
  stop = true;
}

int run(const BatchOptions& options, std::chrono::steady_clock::time_point begin,
        const std::function<bool(const BatchCall&)>& work) {
  BatchCall call;
  call.options = options;
  call.batch =
      with_context("batch '" + options.file + "'", [&] { return record::Batch::from_json(read_file(options.file)); });
  if (const char* job = std::getenv("SLURM_JOB_ID"); job != nullptr && options.launcher == "srun")
    call.batch.job += fmt::format(" (SLURM job {})", job);
  if (options.walltime_s > 0)
    call.deadline = begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                std::chrono::duration<double>(options.walltime_s));
  call.stop = &stop;
  return static_cast<int>(work(call) ? ExitCode::ok : ExitCode::failed_tasks);
}

int run_guarded(const BatchOptions& options, std::chrono::steady_clock::time_point begin,
                const std::function<bool(const BatchCall&)>& work) {
  try {
    return run(options, begin, work);
  } catch (const Error& e) {
    log::error("{}", e.what());
    return static_cast<int>(e.code());
  } catch (const std::exception& e) {
    log::error("{}", e.what());
    return static_cast<int>(ExitCode::internal);
  }
}

// Without the mark the head learns of the end from the scheduler.
void write_end_mark(const std::string& file, int exit_code) {
  try {
    write_file_atomically(file, fmt::format("exit code {}\n", exit_code));
  } catch (const Error& e) {
    log::error("{}", e.what());
  }
}
}  // namespace

int batch_command(int argc, char** argv, const std::string& description,
                  const std::function<bool(const BatchCall&)>& work) {
  const auto begin = std::chrono::steady_clock::now();
  BatchOptions options;
  CLI::App app(description + " Exit codes: 0 all done, 1 some failed, 2 and 3 nothing could be run.");
  app.add_option("batch", options.file, "The batch file; reports go to <batch>.reports, logs to <batch>.team<k>.log")
      ->required();
  app.add_option("--worker", options.worker, "voxflow-worker; the one beside this program unless given");
  app.add_option("--launcher", options.launcher, "How teams are started: local (mpirun) or srun, inside a SLURM job")
      ->check(CLI::IsMember({"local", "srun"}));
  app.add_option("--srun-option", options.srun, "A further option for srun; may be given several times");
  app.add_option("--walltime", options.walltime_s, "Seconds that the job has; no task starts that may take longer")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--end-mark", options.end_mark, "File to write at the end, when all reports are written");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(ExitCode::user);
  }
  struct sigaction action {};
  action.sa_handler = on_terminate;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  // A team that has died is told from its status, not from a failed write.
  ::signal(SIGPIPE, SIG_IGN);
  const int exit_code = run_guarded(options, begin, work);
  if (!options.end_mark.empty()) write_end_mark(options.end_mark, exit_code);
  return exit_code;
}

}  // namespace voxflow::cli
