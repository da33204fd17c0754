// Which images a workflow works on, and which reference image belongs to each. Private to this room.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "catalog/store/client.hpp"
#include "pipeline/workflow/workflow.hpp"

namespace voxflow::engine {

/// The images that `query` finds: acquisitions, unless the query speaks of the kind itself. Throws FileError with the
/// place in the workflow's file when the query does not fit the catalog.
std::vector<catalog::Entity> select_images(catalog::CatalogClient& catalog, const workflow::Workflow& workflow,
                                           const catalog::query::Query& query, const Mark& where);

/// Chooses one reference image for each selected one.
class References {
 public:
  /// Finds all candidates, one request a reference. Throws FileError for a query or a compared field that does not fit.
  References(catalog::CatalogClient& catalog, const workflow::Workflow& workflow);

  struct Choice {
    const catalog::Entity* image = nullptr;  // nullptr: there is none
    std::string why_none;
  };
  Choice choose(const std::string& reference, const catalog::Entity& image) const;

 private:
  struct Candidates {
    const workflow::Reference* reference = nullptr;
    std::vector<catalog::Entity> images;
    /// By the values of the compared fields; each list in order of acquisition.
    std::map<std::vector<std::string>, std::vector<const catalog::Entity*>> by_values;
  };
  std::map<std::string, Candidates> candidates_;
};

}  // namespace voxflow::engine
