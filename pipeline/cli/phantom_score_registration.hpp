// How near measured shifts between channels come to those of the synthetic facility.
#pragma once
#include <string>

#include "pipeline/cli/session.hpp"

namespace voxflow::cli {

/// Prints image, true and found shift of channel 1 against channel 0, and the error, for every image of the facility in
/// `folder`. False, and nothing printed, where the workflow has measured no shift.
bool score_registration(Session& session, const std::string& folder, const std::string& workflow);

}  // namespace voxflow::cli
