// One pass over a task's blocks: dealt to ranks and threads, with one message a block to rank 0.
#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/run/options.hpp"
#include "pipeline/run/team.hpp"

namespace voxflow::run {

/// What worker threads share with the rank's main thread.
struct PassControl {
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> pulse{0};  // grows while kernels ask whether they are cancelled: a sign of life
};

/// Units of work. `work` runs on the rank's threads and returns a message; `deliver` gets every message on rank 0's
/// main thread, in any order of units. Both may throw.
struct Pass {
  std::size_t units = 0;  // of all ranks; unit i belongs to rank i % ranks
  int threads = 1;
  std::function<std::string(std::size_t unit, PassControl& control)> work;
  std::function<std::string(std::size_t unit)> where;  // for messages
  std::function<void(std::size_t unit, const std::string& message)> deliver;
};

/// Collective. Throws the same TaskError at every rank when any unit fails or a rank is cancelled; the others stop
/// within one block. Main threads alone speak to each other, and hold at most one message a thread.
void run_pass(Team& team, const Pass& pass, const RunOptions& options);

}  // namespace voxflow::run
