// How a task is run; never what comes out.
#pragma once
#include <atomic>
#include <cstddef>
#include <functional>
#include <string>

namespace voxflow::run {

struct RunOptions {
  int threads = 1;
  const std::atomic<bool>* cancel = nullptr;
  std::string agent, host, job;
  /// Called on rank 0 now and then (done, total blocks of the pass): the heartbeat of voxflow-worker.
  std::function<void(std::size_t, std::size_t)> progress;
};

}  // namespace voxflow::run
