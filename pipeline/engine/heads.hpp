// Runs that have not come to their end: those that another head is at, and those whose head was killed.
#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/core/clock.hpp"
#include "pipeline/record/plan.hpp"

namespace voxflow::engine {

enum class HeadState { at_work, gone, elsewhere };  // elsewhere: on a host whose processes cannot be seen from here

/// Of the head that wrote its host and process into a run's journal.
HeadState head_state(const std::string& host, int pid);

/// A run without an end in its journal.
struct OpenRun {
  std::filesystem::path folder;
  std::string run, host, started;
  int pid = 0;
  HeadState head = HeadState::gone;
  std::size_t shared_tasks = 0;  // that it and the plan have in common
};

/// The open runs under `runs` with which `plan` has tasks in common, in order of time. Throws SystemError.
std::vector<OpenRun> open_runs(const std::filesystem::path& runs, const record::Plan& plan);

/// Writes into the journal of a run whose head is gone that it was interrupted, and `message`.
void close_run(const OpenRun& run, const std::string& message, const Clock& clock);

}  // namespace voxflow::engine
