// voxflow-batch: supervises one batch, by the file that the head wrote. Computes nothing, knows neither database nor
// MPI.
#include <filesystem>
#include <memory>

#include "pipeline/cli/batch_command.hpp"
#include "pipeline/supervise/supervisor.hpp"

namespace {
using namespace voxflow;

std::unique_ptr<supervise::Launcher> make_launcher(const cli::BatchOptions& options) {
  return options.launcher == "srun" ? supervise::make_srun_launcher(options.srun) : supervise::make_local_launcher();
}

bool run(const cli::BatchCall& call) {
  supervise::SupervisorOptions options;
  options.batch_file = call.options.file, options.worker_program = call.options.worker, options.stop = call.stop;
  if (call.options.worker.empty())
    options.worker_program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "voxflow-worker";
  options.deadline = call.deadline;
  return supervise::run_batch(call.batch, *make_launcher(call.options), options);
}
}  // namespace

int main(int argc, char** argv) {
  return voxflow::cli::batch_command(argc, argv, "Runs the tasks of a batch on this machine.", run);
}
