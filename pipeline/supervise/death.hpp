// What a team died of, told from its exit status and the last lines of its log.
#pragma once
#include <string>
#include <string_view>

namespace voxflow::supervise {

struct Death {
  std::string failure_class;  // "crash", "abort", "illegal_instruction" or "out_of_memory"
  std::string message;
};

/// `wait_status` as of waitpid, of the worker or of mpirun, which ends with 128 + the signal of the rank that died
/// first. `log_tail`: the lines that the team wrote while it had the task.
Death explain_death(int wait_status, std::string_view log_tail);

/// The last lines of `text` that say something, at most `lines`.
std::string last_lines(std::string_view text, std::size_t lines);

}  // namespace voxflow::supervise
