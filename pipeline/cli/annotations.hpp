// Annotations as they are written on the command line: key=value.
#pragma once
#include <string>
#include <vector>

#include "pipeline/record/annotation.hpp"

namespace voxflow::cli {

/// "species=G12", "time_post_infection=18 h", "acquired=2026-11-20", "marker=true". The type follows from the value: a
/// number with or without unit, a date, true/false, else text. Throws UserError.
record::Annotation parse_annotation(const std::string& assignment);
std::vector<record::Annotation> parse_annotations(const std::vector<std::string>& assignments);

}  // namespace voxflow::cli
