// What a field of the query language says of an entity, as text.
#pragma once
#include <optional>
#include <string>

#include "catalog/model/model.hpp"

namespace voxflow::catalog {

/// "18 h", "2026-11-20", "true", "G12".
std::string value_text(const record::Annotation& annotation);

/// The entity's value of a field or annotation: "2", "0.5 um", "2026-11-20", "true", channels' names joined by '+'.
/// `made_by` is what generated it, null for acquisitions. Nothing when it has no such value.
std::optional<std::string> field_text(const Entity& entity, const Activity* made_by, const std::string& field);

}  // namespace voxflow::catalog
