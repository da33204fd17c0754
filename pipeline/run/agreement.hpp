// How ranks agree that a task fails: one error, the same at every rank.
#pragma once
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/core/error.hpp"
#include "pipeline/run/team.hpp"

namespace voxflow::run {

/// A task's failure with the class that reports and events carry: "kernel_error", "out_of_memory", "too_little_memory",
/// "missing_input", "disk_full", "user_error", "system_error", "internal_error" or "cancelled".
class TaskError : public Error {
 public:
  TaskError(ExitCode code, std::string failure_class, std::string message)
      : Error(code, std::move(message)), failure_class_(std::move(failure_class)) {}
  const std::string& failure_class() const { return failure_class_; }

 private:
  std::string failure_class_;
};

/// What one rank reports of its error. `where` (timepoint, channel, block) may differ between ranks that met the same.
struct RankFailure {
  ExitCode code = ExitCode::internal;
  std::string failure_class, message, where;
};

/// The class and message of the exception.
RankFailure describe_failure(const std::exception_ptr& error);

/// Collective. Throws at every rank the same TaskError when any rank gives a failure: each distinct message once, with
/// the ranks that met it.
void agree(Team& team, const std::optional<RankFailure>& failure);

/// As agree, for failures that rank 0 knows already; `failures` is looked at on rank 0, one entry a rank.
void announce(Team& team, const std::vector<std::optional<RankFailure>>& failures);

/// The bytes in which a failure travels, and back; no failure is no bytes.
std::string encode_failure(const std::optional<RankFailure>& failure);
std::optional<RankFailure> decode_failure(const std::string& bytes);

/// Collective: runs `f` at every rank, then agrees.
template <class F>
void together(Team& team, F&& f) {
  std::optional<RankFailure> failure;
  try {
    f();
  } catch (...) {
    failure = describe_failure(std::current_exception());
  }
  agree(team, failure);
}

/// Runs `f`, which calls a kernel: an error that leaves it is the kernel's, save memory that is not there.
template <class F>
decltype(auto) in_kernel(const std::string& kernel, F&& f) {
  try {
    return f();
  } catch (const OutOfMemoryError&) {
    throw;
  } catch (const Error& e) {
    throw TaskError(e.code(), "kernel_error", "kernel '" + kernel + "': " + e.what());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw TaskError(ExitCode::internal, "kernel_error", "kernel '" + kernel + "': " + e.what());
  } catch (...) {
    throw TaskError(ExitCode::internal, "kernel_error",
                    "kernel '" + kernel + "' threw something that is no std::exception");
  }
}

}  // namespace voxflow::run
