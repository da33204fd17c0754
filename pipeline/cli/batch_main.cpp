// voxflow-batch: supervises one batch, by the file that the head wrote. Computes nothing, knows neither database nor
// MPI.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/supervise/supervisor.hpp"

namespace {
std::atomic<bool> stop{false};

extern "C" void on_terminate(int) {
  stop = true;
}

struct Options {
  std::string file, worker, launcher = "local", end_mark;
  std::vector<std::string> srun;
  double walltime_s = 0;
};

std::unique_ptr<voxflow::supervise::Launcher> make_launcher(const Options& options) {
  using namespace voxflow::supervise;
  return options.launcher == "srun" ? make_srun_launcher(options.srun) : make_local_launcher();
}

int run(const Options& asked, std::chrono::steady_clock::time_point begin) {
  using namespace voxflow;
  record::Batch batch =
      with_context("batch '" + asked.file + "'", [&] { return record::Batch::from_json(read_file(asked.file)); });
  if (const char* job = std::getenv("SLURM_JOB_ID"); job != nullptr && asked.launcher == "srun")
    batch.job += fmt::format(" (SLURM job {})", job);
  supervise::SupervisorOptions options;
  options.batch_file = asked.file, options.worker_program = asked.worker, options.stop = &stop;
  if (asked.worker.empty())
    options.worker_program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "voxflow-worker";
  if (asked.walltime_s > 0)
    options.deadline = begin + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                   std::chrono::duration<double>(asked.walltime_s));
  const bool done = supervise::run_batch(batch, *make_launcher(asked), options);
  return static_cast<int>(done ? ExitCode::ok : ExitCode::failed_tasks);
}

int run_guarded(const Options& options, std::chrono::steady_clock::time_point begin) {
  try {
    return run(options, begin);
  } catch (const voxflow::Error& e) {
    voxflow::log::error("{}", e.what());
    return static_cast<int>(e.code());
  } catch (const std::exception& e) {
    voxflow::log::error("{}", e.what());
    return static_cast<int>(voxflow::ExitCode::internal);
  }
}

// Without the mark the head learns of the end from the scheduler.
void write_end_mark(const std::string& file, int exit_code) {
  try {
    voxflow::write_file_atomically(file, fmt::format("exit code {}\n", exit_code));
  } catch (const voxflow::Error& e) {
    voxflow::log::error("{}", e.what());
  }
}
}  // namespace

int main(int argc, char** argv) {
  const auto begin = std::chrono::steady_clock::now();
  Options options;
  CLI::App app(
      "Runs the tasks of a batch on this machine. Exit codes: 0 all done, 1 some failed, 2 and 3 nothing could be "
      "run.");
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
    return app.exit(e) == 0 ? 0 : static_cast<int>(voxflow::ExitCode::user);
  }
  struct sigaction action {};
  action.sa_handler = on_terminate;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  // A team that has died is told from its status, not from a failed write.
  ::signal(SIGPIPE, SIG_IGN);
  const int exit_code = run_guarded(options, begin);
  if (!options.end_mark.empty()) write_end_mark(options.end_mark, exit_code);
  return exit_code;
}
