// Names: those that results get from the image they go back to, and what a name or part of an id stands for.
#pragma once
#include <cstdint>
#include <set>
#include <string>

#include "catalog/store/sqlite.hpp"

namespace voxflow::catalog {

/// Names the results among `entities` and all that is derived from them: "<name of the first source>
/// <workflow>/<step>".
void update_names(Database& db, const std::set<std::int64_t>& entities);

/// The entity of that id, that name, or whose id begins with these (at least eight) digits; of several results of one
/// step on one image the latest. Throws UserError when nothing or more than one thing matches.
std::int64_t resolve_entity(Database& db, const std::string& id_or_name);

/// "; did you mean 'embryo_3'?" for a name that no entity has.
std::string nearest_entity_name(Database& db, const std::string& name);

}  // namespace voxflow::catalog
