// The lines between a supervisor and a team: tasks go to rank 0's standard input, answers come from its standard
// output.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "pipeline/record/task.hpp"

namespace voxflow::supervise {

/// A line to the team that is not a task: the running task is to stop.
inline constexpr std::string_view kCancelLine = "cancel";

/// The team waits for tasks.
struct Ready {};
/// The task with this key has begun.
struct Started {
  Digest key;
};
/// The running task is alive; blocks of the current pass.
struct Heartbeat {
  std::uint64_t done = 0, total = 0;
};
/// The task ended.
struct Result {
  record::TaskReport report;
};
using Answer = std::variant<Ready, Started, Heartbeat, Result>;

/// One line with its end; it begins with a mark that no stray print of a kernel has.
std::string to_line(const Answer& answer);
/// The answer that a line without its end holds; nothing when it is something else.
std::optional<Answer> answer_from(std::string_view line);

}  // namespace voxflow::supervise
