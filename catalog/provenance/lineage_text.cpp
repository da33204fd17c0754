#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "catalog/provenance/provenance.hpp"

namespace voxflow::catalog {

namespace {
constexpr std::size_t kShownDigits = 12;

class Tree {
 public:
  Tree(CatalogClient& catalog, Entity marked) : catalog_(catalog), marked_(marked.id) {
    for (const Direction d : {Direction::ancestors, Direction::descendants})
      for (const Link& link : catalog.lineage(marked.id, d)) add(link);
    nodes_.emplace(marked.id, std::move(marked));
  }

  std::string render() {
    std::vector<std::string> roots;
    for (const auto& [id, node] : nodes_)
      if (!sources_.contains(id)) roots.push_back(id);
    sort(roots);
    for (const std::string& id : roots) put(id, 0);
    return std::move(out_);
  }

 private:
  void add(const Link& link) {
    for (const std::string& id : {link.entity, link.source})
      if (!nodes_.contains(id)) nodes_.emplace(id, catalog_.find_id(id));
    results_[link.source].insert(link.entity);
    sources_.insert(link.entity);
  }

  void sort(std::vector<std::string>& ids) const {
    const auto key = [&](const std::string& id) {
      const auto& e = nodes_.at(id);
      return e ? std::tuple(e->created, e->name, id) : std::tuple(std::string(), std::string(), id);
    };
    std::ranges::sort(ids, {}, key);
  }

  void put(const std::string& id, std::size_t depth) {
    const bool again = !shown_.insert(id).second;
    out_ += std::string(2 * depth, ' ') + line(id) + (again && results_.contains(id) ? "  (see above)" : "") + "\n";
    if (again || !results_.contains(id)) return;
    std::vector<std::string> below(results_[id].begin(), results_[id].end());
    sort(below);
    for (const std::string& next : below) put(next, depth + 1);
  }

  std::string line(const std::string& id) const {
    const std::string short_id = id.substr(0, id.find(':') + 1 + kShownDigits);
    const auto& e = nodes_.at(id);
    if (!e) return fmt::format("{} (not in the catalog)", short_id);
    std::string text = fmt::format("{}  [{}", e->name, to_string(e->kind));
    if (e->state != EntityState::active) text += fmt::format(", {}", to_string(e->state));
    text += "]";
    if (const auto a = catalog_.generated_by(id)) text += fmt::format("  {} version {}", a->kernel, a->kernel_version);
    text += fmt::format("  {}  {}", e->created.substr(0, e->created.find('T')), short_id);
    return id == marked_ ? text + "  <== this one" : text;
  }

  CatalogClient& catalog_;
  std::string marked_;
  std::map<std::string, std::optional<Entity>> nodes_;
  std::map<std::string, std::set<std::string>> results_;
  std::set<std::string> sources_, shown_;
  std::string out_;
};
}  // namespace

std::string lineage_text(CatalogClient& catalog, const std::string& entity) {
  return Tree(catalog, catalog.get(entity)).render();
}

}  // namespace voxflow::catalog
