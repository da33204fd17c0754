// Sets of transforms as artifacts hold them.
#pragma once
#include <string_view>

#include "pipeline/core/transform.hpp"

namespace voxflow::record {

/// Inverse of TransformSet::to_json. Throws UserError when `text` is not a set of transforms of a known version.
TransformSet transform_set_from(std::string_view text);

}  // namespace voxflow::record
