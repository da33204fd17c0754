#include "pipeline/cli/annotations.hpp"

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::cli {

record::Annotation parse_annotation(const std::string& assignment) {
  const auto at = assignment.find('=');
  const std::string name(trim(std::string_view(assignment).substr(0, at)));
  if (at == std::string::npos || name.empty())
    throw UserError(fmt::format("'{}' is not an annotation; write key=value, such as species=G12", assignment));
  const std::string value(trim(std::string_view(assignment).substr(at + 1)));
  if (value.empty())
    throw UserError(fmt::format("annotation '{}' has no value; remove one with --remove {}", name, name));
  return record::typed_annotation(name, value);
}

std::vector<record::Annotation> parse_annotations(const std::vector<std::string>& assignments) {
  std::vector<record::Annotation> parsed;
  for (const std::string& assignment : assignments) parsed.push_back(parse_annotation(assignment));
  return parsed;
}

}  // namespace voxflow::cli
