// One run of a kernel on a specimen, in processes of its own, and what can be seen of it.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/conformance/specimen.hpp"
#include "pipeline/plugins/registry.hpp"
#include "pipeline/run/execute.hpp"

namespace voxflow::conformance {

struct Trial {
  const plugins::Entry* kernel = nullptr;
  ParamValues params;
  Specimen specimen;
  std::optional<Index3> blocks;  // core shape; nothing: the framework's
  int ranks = 1, threads = 1;
};

struct Outcome {
  std::string digests;                               // of every output, one line each
  std::map<std::string, std::vector<float>> images;  // of outputs of kind image, all volumes
  std::uint64_t grown_bytes = 0, estimate_bytes = 0;
};

/// Runs `trial` on `team`; the outcome is on rank 0, without the memory that it took.
Outcome run_on(const Trial& trial, run::Team& team);

/// Runs `trial` on a forked team of its own. Throws the Error of the run.
Outcome run_trial(const Trial& trial);

/// The trial's job; sources belong to it.
run::Job make_job(const Trial& trial);

/// Chunk, halo and blocks of the trial.
run::Layout layout_of(const Trial& trial);

/// What a kernel did on one block that is the whole volume, called without the runner.
struct BlockOutcome {
  std::uint64_t grown_bytes = 0;    // beyond the ports' buffers
  std::uint64_t scratch_bytes = 0;  // what it said
  std::uint64_t questions = 0;      // whether it is to stop
};
BlockOutcome run_one_block(const Trial& trial);

}  // namespace voxflow::conformance
