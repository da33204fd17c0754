// A team whose ranks are forked processes, joined by sockets: what a task sees of several ranks, without a launcher.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "pipeline/run/team.hpp"

namespace voxflow::conformance {

/// The peak of this process's resident memory since the object was made, above what it was then.
class PeakMemory {
 public:
  PeakMemory();
  std::uint64_t grown_bytes() const;

 private:
  std::uint64_t before_bytes_;
};

/// What rank 0 of a forked team came to.
struct ForkResult {
  std::string bytes;
  std::uint64_t grown_bytes = 0;  // PeakMemory of its life
};

/// Forks `ranks` processes and runs `body` in each; they are gone on return. The caller must have one thread only.
/// Throws Error with the message of the first rank that threw, InternalError that names the signal or the time when a
/// rank died or did not end.
ForkResult run_forked(int ranks, const std::function<std::string(run::Team&)>& body, std::chrono::seconds limit);

}  // namespace voxflow::conformance
