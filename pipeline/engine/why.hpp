// Why a task runs, ran, failed or need not run, as text for people.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/engine/status.hpp"
#include "pipeline/record/plan.hpp"

namespace voxflow::engine {

/// The tasks that `what` names: an image, a step, "image/step" or the beginning of a task key of at least 8 digits.
/// Throws UserError with the nearest name when there is none.
std::vector<const record::PlannedTask*> tasks_named(const record::Plan& plan, std::string_view what);

/// Explains these tasks, a paragraph each; `status` (may be null) adds how they went.
std::string why(const record::Plan& plan, std::string_view what, const RunStatus* status = nullptr);

}  // namespace voxflow::engine
