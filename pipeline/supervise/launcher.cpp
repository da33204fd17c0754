#include "pipeline/supervise/launcher.hpp"

namespace voxflow::supervise {

namespace {
class LocalLauncher final : public Launcher {
 public:
  Command team(int ranks, const std::vector<std::string>& worker) const override {
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
}  // namespace

std::unique_ptr<Launcher> make_local_launcher() {
  return std::make_unique<LocalLauncher>();
}

}  // namespace voxflow::supervise
