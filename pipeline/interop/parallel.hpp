// Runs independent pieces of work on a few threads; private to this room.
#pragma once
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace voxflow::interop {

/// Runs f(0) … f(n-1) on a few threads; the first exception is thrown on after all have ended.
template <class F>
void for_each_in_parallel(std::size_t n, F&& f) {
  constexpr unsigned kMostThreads = 4;
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_lock;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < n; i = next++) f(i);
    } catch (...) {
      const std::lock_guard hold(failure_lock);
      if (!failure) failure = std::current_exception();
      next = n;
    }
  };
  const std::size_t threads =
      std::min<std::size_t>(n, std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads));
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < threads; ++i) others.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace voxflow::interop
