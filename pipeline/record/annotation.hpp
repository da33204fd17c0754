// Typed annotation values as they stand in manifests and events.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace voxflow::record {

enum class AnnotationType { text, number, date, boolean };
std::string_view to_string(AnnotationType t);
std::optional<AnnotationType> annotation_type_from(std::string_view name);

/// A key's declaration: its type and, for numbers, its unit ("h"; "" for plain numbers).
struct AnnotationKey {
  std::string name;
  AnnotationType type = AnnotationType::text;
  std::string unit;
  friend bool operator==(const AnnotationKey&, const AnnotationKey&) = default;
};

/// One key's value on an entity. Text, date (ISO 8601 text that sorts) or number in the key's unit, or bool.
struct Annotation {
  AnnotationKey key;
  std::variant<std::string, double, bool> value;
  friend bool operator==(const Annotation&, const Annotation&) = default;
};

/// The value that a person wrote, typed by its form: true or false, a date (2026-11-22), a number with or without unit,
/// else text.
Annotation typed_annotation(const std::string& name, const std::string& value);

}  // namespace voxflow::record
