// Resolved parameters as canonical JSON text, and what differs between two task identities.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace voxflow::record {

/// A parameter's value; the same type as the SDK's ParamValue.
using Parameter = std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<double>>;
using Parameters = std::map<std::string, Parameter>;

/// One text for one set of values: names sorted, shortest numbers that read back the same, -0 as 0, unset as null.
/// Throws InternalError when a number is not finite.
std::string canonical_params(const Parameters& params);

/// Inverse of canonical_params. Throws UserError when `text` is not that.
Parameters parse_params(std::string_view text);

/// One component of a task's identity that differs. `part`: "kernel", "version", "parameter", "input", "channels",
/// "timepoints" or "block_shape"; `name`: of the parameter ("radius", "radius of channel 1") or the input port.
/// `before` and `after`: JSON text, "" where absent.
struct IdentityDifference {
  std::string part, name, before, after;
  friend bool operator==(const IdentityDifference&, const IdentityDifference&) = default;
};

/// What differs between two canonical identities (TaskIdentity::canonical()), kernel and version first. Throws
/// UserError when one of them is not an identity.
std::vector<IdentityDifference> identity_differences(std::string_view before, std::string_view after);

}  // namespace voxflow::record
