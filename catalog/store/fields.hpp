// The fields that every catalog has, besides the declared annotations.
#pragma once
#include <string>
#include <vector>

namespace voxflow::catalog {

/// Names that images and results have by themselves, as queries use them.
std::vector<std::string> field_names();

}  // namespace voxflow::catalog
