// Where a run stands, read from its folder without a lock, while it is written or after its head was killed.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/engine/run.hpp"

namespace voxflow::engine {

/// A failed or skipped task with what is needed to look into it.
struct Failure {
  Digest key;
  std::string step, image;
  record::TaskReport report;
};

struct RunStatus {
  record::Plan plan;
  Progress progress;
  std::size_t done_before = 0;        // tasks that had nothing to do
  std::vector<Failure> failures;      // in the order of the plan
  std::vector<record::JobLine> jobs;  // last line of each batch
  std::string state;                  // "running", "finished", "paused", "cancelled", "interrupted"
  std::string message, started, updated;
  std::string host;  // of the head
  int pid = 0;
  /// Last report of a task; nullptr when there is none.
  const record::TaskReport* report(const Digest& key) const;
  std::map<Digest, record::TaskReport> reports;
};

/// Throws UserError when `folder` holds no run.
RunStatus read_status(const std::filesystem::path& folder);

/// Folder of the run `name` under `runs`: "last", an id, or the unique beginning of one. Throws UserError that lists
/// the latest runs.
std::filesystem::path find_run(const std::filesystem::path& runs, std::string_view name);

}  // namespace voxflow::engine
