#include "pipeline/record/annotation.hpp"

#include <cctype>

#include "pipeline/core/units.hpp"

namespace voxflow::record {

namespace {
/// "2026-11-20", and anything that goes on behind it as ISO 8601 does.
bool is_date(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-dd";
  if (text.size() < kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i)
    if (kShape[i] == 'd' ? std::isdigit(static_cast<unsigned char>(text[i])) == 0 : text[i] != '-') return false;
  return text.size() == kShape.size() || text[kShape.size()] == 'T' || text[kShape.size()] == ' ';
}
}  // namespace

Annotation typed_annotation(const std::string& name, const std::string& value) {
  if (value == "true" || value == "false") return {{name, AnnotationType::boolean, ""}, value == "true"};
  if (is_date(value)) return {{name, AnnotationType::date, ""}, value};
  if (const auto quantity = parse_quantity(value))
    return {{name, AnnotationType::number, quantity->unit}, quantity->number};
  return {{name, AnnotationType::text, ""}, value};
}

}  // namespace voxflow::record
