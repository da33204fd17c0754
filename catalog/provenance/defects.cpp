#include <fmt/format.h>

#include "catalog/provenance/provenance.hpp"

namespace voxflow::catalog {

namespace {
void check_activity(const Activity& a, std::vector<std::string>& missing) {
  if (a.params.empty()) missing.emplace_back("no parameters");
  if (a.workflow_sha256.empty()) missing.emplace_back("no workflow hash");
  if (a.kernel.empty()) missing.emplace_back("no kernel");
  if (a.kernel_version <= 0) missing.emplace_back("no kernel version");
  if (a.host.empty()) missing.emplace_back("no host");
  if (a.agent.empty()) missing.emplace_back("no agent");
  if (a.software.empty()) missing.emplace_back("no software version");
}
}  // namespace

std::vector<std::string> provenance_defects(CatalogClient& catalog) {
  std::vector<std::string> defects;
  for (const Entity& e : catalog.find(query::Query{})) {
    if (!e.task_key) continue;
    std::vector<std::string> missing;
    if (const auto activity = catalog.generated_by(e.id))
      check_activity(*activity, missing);
    else
      missing.emplace_back("no activity that generated it");
    bool has_source = false;
    for (const Link& link : catalog.lineage(e.id, Direction::ancestors)) {
      if (link.entity != e.id) continue;
      has_source = true;
      if (!catalog.find_id(link.source)) missing.push_back(fmt::format("source {} is not in the catalog", link.source));
    }
    if (!has_source) missing.emplace_back("no source");
    for (const std::string& what : missing) defects.push_back(fmt::format("{} ({}): {}", e.name, e.id, what));
  }
  return defects;
}

}  // namespace voxflow::catalog
