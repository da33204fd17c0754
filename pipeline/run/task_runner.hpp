// Runs one task over its images: the same block list, dealt to one thread, to threads, or to the ranks of an MPI team.
#pragma once
#include <atomic>
#include <functional>
#include <string>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/plugins/registry.hpp"
#include "pipeline/record/task.hpp"

namespace voxflow::run {

/// What the ranks of a team say to each other; implemented by MPI, and by a team of one for tests and tools.
class Team {
 public:
  virtual ~Team() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Sends bytes to `to` with `tag`; returns once they may be reused. Called by the main thread only, as are all.
  virtual void send(int to, int tag, std::string bytes) = 0;
  /// Next message with `tag`, from anybody; `from` is set. Waits.
  virtual std::string receive(int tag, int& from) = 0;
  /// As receive, but returns at once; false when there is none.
  virtual bool try_receive(int tag, std::string& bytes, int& from) = 0;
  /// Rank 0's bytes at every rank.
  virtual void broadcast(std::string& bytes) = 0;
  /// The bytes of every rank, in rank order, at rank 0 (empty elsewhere).
  virtual std::vector<std::string> gather(const std::string& bytes) = 0;
  virtual void barrier() = 0;
};

Team& solo_team();

struct RunOptions {
  int threads = 1;
  const std::atomic<bool>* cancel = nullptr;
  std::string agent, host, job;
  /// Called on rank 0 now and then (done, total blocks): the heartbeat of voxflow-worker.
  std::function<void(std::size_t, std::size_t)> progress;
};

/// Runs `task` and publishes its artifact; collective over `team`. Every rank returns or throws alike: errors of single
/// ranks are agreed upon, and rank 0's message names the ranks. Already published: returns without work.
archive::PublishOutcome run_task(const record::Task& task, const archive::Archive& archive,
                                 const plugins::Registry& kernels, Team& team, const RunOptions& options);

}  // namespace voxflow::run
