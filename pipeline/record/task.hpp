// What is handed from the plan to a batch, and from a batch to a team: tasks, batches and their results.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/core/hash.hpp"
#include "pipeline/record/identity.hpp"
#include "pipeline/record/manifest.hpp"

namespace voxflow::record {

/// Where a task finds one input: an output of an artifact. `id` is what stands in the task key.
struct TaskInput {
  std::string port;
  std::string id;
  std::string artifact;     // folder, relative to the archive
  std::string output_port;  // which of the artifact's outputs
  friend bool operator==(const TaskInput&, const TaskInput&) = default;
};

/// A request, never part of a key or a result.
struct Resources {
  int ranks = 1;
  int threads = 1;                             // of each rank
  std::uint64_t memory_bytes = 2'000'000'000;  // of all ranks together
  double time_s = 3600;
  friend bool operator==(const Resources&, const Resources&) = default;
};

/// One step on one input set.
struct Task {
  Digest key;
  TaskIdentity identity;
  std::vector<TaskInput> inputs;
  std::string project, workflow, workflow_sha256, step, run;
  std::string image;     // the name of the image it is for, for people
  std::string artifact;  // folder to publish, relative to the archive
  Resources resources;
  int attempt = 1;
  std::vector<Digest> after;  // tasks of the same plan whose results it reads
  std::string to_json() const;
  static Task from_json(std::string_view text);
  friend bool operator==(const Task&, const Task&) = default;
};

/// Tasks sent together: one job. In an order in which every task comes after those it reads from.
struct Batch {
  std::string id;  // unique in the run
  std::string run;
  std::string archive;  // absolute path
  std::string agent, job;
  int cores = 1;                // that the batch may use at a time
  double hang_timeout_s = 600;  // a team that reports nothing for so long is ended
  std::vector<std::string> plugin_folders;
  std::vector<Task> tasks;
  std::string to_json() const;
  static Batch from_json(std::string_view text);
  friend bool operator==(const Batch&, const Batch&) = default;
};

enum class TaskState { waiting, running, done, failed, skipped };
std::string_view to_string(TaskState s);
std::optional<TaskState> task_state_from(std::string_view name);

/// How a task ended (or that it started), one line of a batch's result file and of the run's journal.
struct TaskReport {
  Digest key;
  TaskState state = TaskState::waiting;
  int attempt = 1;
  std::string failure_class, message, node, log;
  double wall_s = 0;
  std::string time;             // UTC
  std::string to_json() const;  // one line
  static TaskReport from_json(std::string_view line);
  friend bool operator==(const TaskReport&, const TaskReport&) = default;
};

/// `<project>/results/ab/<key>`.
std::string result_folder(const std::string& project, const Digest& task_key);
/// `<project>/acquisitions/ab/<content digest>`.
std::string acquisition_folder(const std::string& project, const Digest& content);

}  // namespace voxflow::record
