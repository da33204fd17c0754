#include "pipeline/supervise/death.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <vector>

#include "pipeline/core/text.hpp"

namespace voxflow::supervise {

namespace {
constexpr std::string_view kNoMemory =
    "a rank ran out of memory; give the step more memory, fewer ranks or fewer threads";

Death by_signal(int signal, std::string_view log_tail) {
  switch (signal) {
    case SIGILL:
      return {"illegal_instruction",
              "a rank met an instruction that this processor does not know (SIGILL); voxflow needs x86-64-v3, plugins "
              "must not "
              "be built for more"};
    case SIGABRT:
      if (log_tail.find("std::bad_alloc") != std::string_view::npos) return {"out_of_memory", std::string(kNoMemory)};
      return {"abort", "a rank aborted (SIGABRT)"};
    case SIGKILL:
      return {"out_of_memory",
              std::string(kNoMemory) + " (SIGKILL: the system's answer to exhausted memory, or somebody's)"};
    default:
      const char* name = ::sigabbrev_np(signal);
      return {"crash", fmt::format("a rank crashed (SIG{})", name != nullptr ? name : std::to_string(signal).c_str())};
  }
}
}  // namespace

std::string last_lines(std::string_view text, std::size_t lines) {
  std::vector<std::string> kept;
  for (const std::string& line : split(text, '\n'))
    if (!trim(line).empty()) kept.push_back(line);
  if (kept.size() > lines) kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(lines));
  return join(kept, "\n");
}

Death explain_death(int wait_status, std::string_view log_tail) {
  if (WIFSIGNALED(wait_status)) return by_signal(WTERMSIG(wait_status), log_tail);
  const int code = WEXITSTATUS(wait_status);
  if (log_tail.find("MPI_ABORT was invoked") != std::string_view::npos)
    return {"abort", fmt::format("a rank called MPI_Abort (exit code {})", code)};
  if (code > 128 && code < 128 + SIGRTMIN) return by_signal(code - 128, log_tail);
  return {"abort", fmt::format("a rank ended by itself with exit code {}", code)};
}

}  // namespace voxflow::supervise
