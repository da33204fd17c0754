// Makes a plan from a workflow file: what `plan`, `run` and `why` share.
#pragma once
#include <cstdint>
#include <string>

#include "pipeline/cli/session.hpp"
#include "pipeline/engine/plan.hpp"

namespace voxflow::cli {

/// Loads and plans the workflow over the session's catalog. Throws FileError, UserError.
record::Plan plan_file(Session& session, const std::string& file);

/// Bytes of memory that this machine has.
std::uint64_t physical_memory_bytes();

/// Cores that this process may use.
int usable_cores();

}  // namespace voxflow::cli
