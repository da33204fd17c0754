// Which values an annotation key takes, and how units and dates of annotations compare.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pipeline/record/annotation.hpp"

namespace voxflow::catalog {

/// Keys that every catalog has: acquired (date) and instrument (text).
std::span<const record::AnnotationKey> fixed_keys();

/// "text", "date", "bool", or what the key's unit measures ("time"): values of one measure compare with each other.
std::string measure(const record::AnnotationKey& key);

/// The number in the base unit of its dimension (um, s, byte, degree); as it is without a unit.
double in_base_unit(double number, std::string_view unit);

/// Whether `text` is "2026", "2026-11", "2026-11-22", or such a day with a time: "2026-11-22T08:15[:30[.5]][Z]".
bool is_date(std::string_view text);

/// Throws UserError when the name cannot be used in a query, or is that of one of the image's own fields, or when the
/// unit does not exist.
void require_usable(const record::AnnotationKey& key);

/// `given` as the declaration wants it, its number converted to the declared unit. Throws UserError naming the key,
/// what is declared, and what was given.
record::Annotation fit(const record::AnnotationKey& declared, const record::Annotation& given);

/// "number in h", "text"
std::string describe(const record::AnnotationKey& key);

}  // namespace voxflow::catalog
