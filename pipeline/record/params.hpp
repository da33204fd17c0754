// Parameter values and transforms as JSON text: what task keys hash, and what artifacts hold.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pipeline/core/transform.hpp"

namespace voxflow::record {

/// The same type as the SDK's ParamValues, which this room does not know.
using Values =
    std::map<std::string, std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<double>>>;

/// One text for one set of values: an object ordered by name, numbers in shortest round-trip form, null where unset.
std::string canonical_params(const Values& values);
/// Inverse of canonical_params. Throws UserError when `text` is not an object of such values.
Values params_from(std::string_view text);

/// Inverse of TransformSet::to_json. Throws UserError when `text` is not a set of transforms of a known version.
TransformSet transform_set_from(std::string_view text);

}  // namespace voxflow::record
