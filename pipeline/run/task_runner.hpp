// Runs one task from artifacts to an artifact: the same block list, dealt to one thread, to threads, or to the ranks of
// an MPI team.
#pragma once
#include "pipeline/archive/artifact.hpp"
#include "pipeline/plugins/registry.hpp"
#include "pipeline/record/task.hpp"
#include "pipeline/run/options.hpp"
#include "pipeline/run/team.hpp"

namespace voxflow::run {

/// Runs `task` and publishes its artifact; collective over `team`. Every rank returns, or throws the same TaskError
/// (agreement.hpp), which names the ranks. Already published: returns without work. One rank may use an equal part of
/// task.resources.memory_bytes.
archive::PublishOutcome run_task(const record::Task& task, const archive::Archive& archive,
                                 const plugins::Registry& kernels, Team& team, const RunOptions& options);

}  // namespace voxflow::run
