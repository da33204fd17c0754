#include "pipeline/supervise/launcher.hpp"

namespace voxflow::supervise {

namespace {
class LocalLauncher final : public Launcher {
 public:
  Command team(int ranks, int, const std::vector<std::string>& worker) const override {
    Command command;
    if (ranks == 1) {
      command.words = worker;
      command.words.push_back("--solo");
      return command;
    }
    // Teams share the machine's cores with each other, so no rank is bound to one, and waiting ranks yield. Copies by
    // process_vm_readv, which containers forbid, are left out.
    command.words = {"mpirun",
                     "--oversubscribe",
                     "--bind-to",
                     "none",
                     "--mca",
                     "mpi_yield_when_idle",
                     "1",
                     "--mca",
                     "btl_vader_single_copy_mechanism",
                     "none",
                     "-np",
                     std::to_string(ranks)};
    command.words.insert(command.words.end(), worker.begin(), worker.end());
    command.environment = {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"};
    return command;
  }
};

class SrunLauncher final : public Launcher {
 public:
  explicit SrunLauncher(std::vector<std::string> options) : options_(std::move(options)) {}

  Command team(int ranks, int cores_per_rank, const std::vector<std::string>& worker) const override {
    Command command;
    // The task's own limit holds its memory; a share of the job's for each step would only forbid teams side by side.
    command.words = {"srun",    "--exact",         "--kill-on-bad-exit=1",         "--input=0", "--mem=0",
                     "--quiet", "--cpus-per-task", std::to_string(cores_per_rank), "--ntasks",  std::to_string(ranks)};
    command.words.push_back(ranks == 1 ? "--mpi=none" : "--mpi=pmix");
    command.words.insert(command.words.end(), options_.begin(), options_.end());
    command.words.insert(command.words.end(), worker.begin(), worker.end());
    if (ranks == 1) command.words.emplace_back("--solo");
    // As on one machine: copies by process_vm_readv are forbidden in containers.
    command.environment = {"OMPI_MCA_btl_vader_single_copy_mechanism=none"};
    return command;
  }
  int cores_per_rank(int threads) const override { return threads; }

 private:
  std::vector<std::string> options_;
};
}  // namespace

std::unique_ptr<Launcher> make_local_launcher() {
  return std::make_unique<LocalLauncher>();
}

std::unique_ptr<Launcher> make_srun_launcher(std::vector<std::string> options) {
  return std::make_unique<SrunLauncher>(std::move(options));
}

}  // namespace voxflow::supervise
