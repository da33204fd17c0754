// Makes a plan from a workflow file: what `plan`, `run` and `why` share.
#pragma once
#include <cstdint>
#include <string>

#include "pipeline/cli/session.hpp"
#include "pipeline/engine/plan.hpp"

namespace voxflow::cli {

/// What a step may request: 0 where that is decided elsewhere.
struct RequestLimits {
  int cores = 0;
  std::uint64_t memory_bytes = 0;
};

/// Loads and plans the workflow over the session's catalog. Throws FileError, UserError.
record::Plan plan_file(Session& session, const std::string& file, const RequestLimits& limits);
/// The same, for this machine.
record::Plan plan_file(Session& session, const std::string& file);

/// Bytes of memory that this machine has.
std::uint64_t physical_memory_bytes();

/// Cores that this process may use.
int usable_cores();

}  // namespace voxflow::cli
