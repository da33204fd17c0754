// voxflow-batch: supervises one batch, by the file that the head wrote. Computes nothing, knows neither database nor
// MPI.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <filesystem>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/supervise/supervisor.hpp"

namespace {
std::atomic<bool> stop{false};

extern "C" void on_terminate(int) {
  stop = true;
}

int run(const std::filesystem::path& file, std::filesystem::path worker) {
  using namespace voxflow;
  const record::Batch batch =
      with_context("batch '" + file.string() + "'", [&] { return record::Batch::from_json(read_file(file)); });
  if (worker.empty()) worker = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "voxflow-worker";
  supervise::SupervisorOptions options;
  options.batch_file = file, options.worker_program = std::move(worker), options.stop = &stop;
  const bool done = supervise::run_batch(batch, *supervise::make_local_launcher(), options);
  return static_cast<int>(done ? ExitCode::ok : ExitCode::failed_tasks);
}
}  // namespace

int main(int argc, char** argv) {
  std::string file, worker;
  CLI::App app(
      "Runs the tasks of a batch on this machine. Exit codes: 0 all done, 1 some failed, 2 and 3 nothing could be "
      "run.");
  app.add_option("batch", file, "The batch file; reports go to <batch>.reports, logs to <batch>.team<k>.log")
      ->required();
  app.add_option("--worker", worker, "voxflow-worker; the one beside this program unless given");
  CLI11_PARSE(app, argc, argv);
  struct sigaction action {};
  action.sa_handler = on_terminate;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  // A team that has died is told from its status, not from a failed write.
  ::signal(SIGPIPE, SIG_IGN);
  try {
    return run(file, worker);
  } catch (const voxflow::Error& e) {
    voxflow::log::error("{}", e.what());
    return static_cast<int>(e.code());
  } catch (const std::exception& e) {
    voxflow::log::error("{}", e.what());
    return static_cast<int>(voxflow::ExitCode::internal);
  }
}
