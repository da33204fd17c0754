// Reads entities, activities and links back from the tables.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/model/model.hpp"
#include "catalog/store/client.hpp"
#include "catalog/store/sqlite.hpp"

namespace voxflow::catalog {

Entity read_entity(Database& db, std::int64_t n);
std::optional<std::int64_t> find_entity(Database& db, const std::string& id);
/// The declared keys, the fixed ones included, in order of name.
std::vector<record::AnnotationKey> read_keys(Database& db);
std::optional<Activity> read_generating_activity(Database& db, std::int64_t entity);
/// Finished activities of the step on what came from `source`, and failed ones on its name; newest first.
std::vector<Activity> read_history(Database& db, const std::string& workflow, const std::string& step,
                                   std::int64_t source);
std::vector<Link> read_lineage(Database& db, std::int64_t entity, Direction direction);

}  // namespace voxflow::catalog
