// What a run keeps on disk: its frozen plan, and the lines of its append-only journal.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pipeline/record/task.hpp"

namespace voxflow::record {

inline constexpr const char* kPlanName = "plan.json";
inline constexpr const char* kJournalName = "journal.jsonl";

/// A task and why it runs; `done`: its artifact was published before the plan was made.
struct PlannedTask {
  Task task;
  TaskState state = TaskState::waiting;
  bool keep = true;
  std::vector<std::string> reasons;  // of a waiting task; empty when done
  friend bool operator==(const PlannedTask&, const PlannedTask&) = default;
};

/// What a run is going to do, in an order in which every task comes after those it reads from.
struct Plan {
  std::string run;
  std::string workflow, workflow_sha256, workflow_file;
  std::string archive;  // absolute path
  std::string created;  // UTC
  std::string agent;
  std::size_t images = 0;          // that the workflow selected
  std::vector<std::string> notes;  // for people: images left out, resources that are shared
  std::vector<PlannedTask> tasks;
  /// Tasks that are to run.
  std::size_t waiting() const;
  std::string to_json() const;
  /// Throws UserError when `text` is not a plan of a known version.
  static Plan from_json(std::string_view text);
  friend bool operator==(const Plan&, const Plan&) = default;
};

/// What happened to a job. `intent` is on disk before the executor is asked.
struct JobLine {
  std::string event;  // "intent", "submitted", "ended", "lost", "cancelled", "refused"
  std::string batch, job, detail, time;
  std::size_t tasks = 0;
  friend bool operator==(const JobLine&, const JobLine&) = default;
};

/// What happened to the run as a whole.
struct RunLine {
  std::string event;  // "started", "finished", "paused", "cancelled"
  std::string host, message, time;
  int pid = 0;
  friend bool operator==(const RunLine&, const RunLine&) = default;
};

/// One line of a run's journal.
struct JournalEntry {
  std::variant<TaskReport, JobLine, RunLine> what;
  std::string to_json() const;  // one line, without its end
  /// Throws UserError when `line` is not a journal line, as the last one of a killed head may be.
  static JournalEntry from_json(std::string_view line);
  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

}  // namespace voxflow::record
