#include "pipeline/cli/annotations.hpp"

#include <fmt/format.h>
#include <cctype>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::cli {

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

record::Annotation parse_annotation(const std::string& assignment) {
  const auto at = assignment.find('=');
  const std::string name(trim(std::string_view(assignment).substr(0, at)));
  if (at == std::string::npos || name.empty())
    throw UserError(fmt::format("'{}' is not an annotation; write key=value, such as species=G12", assignment));
  const std::string value(trim(std::string_view(assignment).substr(at + 1)));
  if (value.empty())
    throw UserError(fmt::format("annotation '{}' has no value; remove one with --remove {}", name, name));
  using record::AnnotationType;
  if (value == "true" || value == "false") return {{name, AnnotationType::boolean, ""}, value == "true"};
  if (is_date(value)) return {{name, AnnotationType::date, ""}, value};
  if (const auto quantity = parse_quantity(value))
    return {{name, AnnotationType::number, quantity->unit}, quantity->number};
  return {{name, AnnotationType::text, ""}, value};
}

std::vector<record::Annotation> parse_annotations(const std::vector<std::string>& assignments) {
  std::vector<record::Annotation> parsed;
  for (const std::string& assignment : assignments) parsed.push_back(parse_annotation(assignment));
  return parsed;
}

}  // namespace voxflow::cli
