// Threads inside one call of a kernel.
#pragma once
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "pipeline/sdk/block.hpp"

namespace voxflow::shared {

/// Calls work(i) once for each i in [0, n) on the threads that `ctx` allows, in any order; returns early when
/// cancelled. Each thread works with its own `make_worker()`, which holds its buffers. Throws what a worker threw
/// first.
template <class MakeWorker>
void parallel_for(const Context& ctx, Index n, const MakeWorker& make_worker) {
  std::atomic<Index> next{0};
  std::exception_ptr failure;
  std::mutex failing;
  const auto run = [&] {
    try {
      auto work = make_worker();
      for (Index i = next++; i < n && !ctx.cancelled(); i = next++) work(i);
    } catch (...) {
      const std::lock_guard lock(failing);
      if (!failure) failure = std::current_exception();
      next = n;
    }
  };
  std::vector<std::jthread> others;
  for (Index t = 1; t < std::min<Index>(ctx.threads(), n); ++t) others.emplace_back(run);
  run();
  others.clear();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace voxflow::shared
