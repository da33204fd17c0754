// How an entity came about: as a tree for people, as W3C PROV-JSON, and what is missing in the record.
#pragma once
#include <string>
#include <vector>

#include "catalog/store/client.hpp"

namespace voxflow::catalog {

/// The entity's ancestors and descendants as an indented tree, oldest first, with what made each; `entity` (id or name)
/// is marked. Throws UserError as CatalogClient::get does.
std::string lineage_text(CatalogClient& catalog, const std::string& entity);

/// The entity and everything it goes back to in PROV-JSON (https://www.w3.org/submissions/prov-json/). `entity` is an
/// id or a name. Throws UserError as CatalogClient::get does.
std::string prov_json(CatalogClient& catalog, const std::string& entity);

/// One sentence for each gap: a derived entity without its activity, source, parameters, workflow hash, kernel with
/// version, host, agent or software. Empty when the record is whole.
std::vector<std::string> provenance_defects(CatalogClient& catalog);

}  // namespace voxflow::catalog
