// conformance_mpi FOLDER...: under mpirun, every kernel gives the content digests that one rank gives.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "pipeline/conformance/conformance.hpp"
#include "pipeline/conformance/trial.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/run/mpi_team.hpp"

namespace {
using namespace voxflow;

// Digests of the outputs. A kernel that only measures may refuse a volume in which there is nothing to measure, on any
// number of ranks.
std::string outcome(const conformance::Trial& trial, run::Team& team) {
  const auto& outputs = trial.kernel->kernel->schema().outputs;
  try {
    return conformance::run_on(trial, team).digests;
  } catch (const Error& e) {
    const bool only_measures =
        std::none_of(outputs.begin(), outputs.end(), [](const PortInfo& p) { return is_volumetric(p.type.kind); });
    if (e.code() != ExitCode::user || !only_measures) throw;
    return "refused";
  }
}

// Two channels of four blocks each.
bool same_as_one_rank(const plugins::Entry& kernel, run::Team& team) {
  conformance::Trial trial;
  trial.kernel = &kernel;
  trial.params = conformance::params_for(*kernel.kernel);
  trial.specimen.grid = {{24, 84, 96}, {{{0.2}, {0.2}, {0.2}}}};
  trial.specimen.channels = 2;
  trial.threads = 2;
  trial.blocks = conformance::layout_of(trial).chunk;
  const std::string together = outcome(trial, team);
  if (team.rank() != 0) return true;
  const std::string alone = outcome(trial, run::solo_team());
  fmt::print("{:<24} {} ranks {}\n", kernel.kernel->schema().name, team.size(),
             together == alone ? "passed" : "FAILED");
  return together == alone;
}
}  // namespace

int main(int argc, char** argv) {
  run::MpiSession mpi(&argc, &argv);
  try {
    log::set_level(log::Level::warning);
    plugins::Registry registry;
    for (int i = 1; i < argc; ++i) registry.load_folder(argv[i]);
    bool passed = !registry.names().empty();
    for (const plugins::Entry* kernel : registry.all()) passed = same_as_one_rank(*kernel, mpi.team()) && passed;
    return passed ? 0 : static_cast<int>(ExitCode::failed_tasks);
  } catch (const Error& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return static_cast<int>(e.code());
  }
}
