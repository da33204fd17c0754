// Time as records and engine see it; replaced by a fake in tests.
#pragma once
#include <chrono>
#include <string>

namespace voxflow {

/// Source of the time; thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::chrono::system_clock::time_point now() const = 0;
  virtual void sleep_for(std::chrono::milliseconds d) const = 0;
};

/// The machine's clock.
const Clock& system_clock();

/// UTC as "2026-11-22T08:15:30.123Z".
std::string format_time(std::chrono::system_clock::time_point t);

}  // namespace voxflow
