// The tables of the catalog, and the version of their layout.
#pragma once
#include <filesystem>

#include "catalog/store/sqlite.hpp"

namespace voxflow::catalog {

inline constexpr int kSchemaVersion = 2;

/// Creates the tables in an empty database.
void create_tables(Database& db);

/// 0 for a file without tables.
int schema_version(Database& db);

}  // namespace voxflow::catalog
