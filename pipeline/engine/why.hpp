// Why a task runs, ran, failed or need not run, as text for people.
#pragma once
#include <string>
#include <string_view>

#include "pipeline/engine/status.hpp"
#include "pipeline/record/plan.hpp"

namespace voxflow::engine {

/// Explains the tasks that `what` names (an image, a step, "image/step" or the beginning of a task key of at least 8
/// digits), a paragraph each; `status` (may be null) adds how they went. Throws UserError with the nearest name when
/// nothing matches.
std::string why(const record::Plan& plan, std::string_view what, const RunStatus* status = nullptr);

}  // namespace voxflow::engine
