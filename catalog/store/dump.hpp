// The whole catalog as canonical text.
#pragma once
#include <string>

#include "catalog/store/sqlite.hpp"

namespace voxflow::catalog {

/// Every row of every table with ids in place of row numbers, sorted: equal for equal catalogs.
std::string dump(Database& db);

}  // namespace voxflow::catalog
