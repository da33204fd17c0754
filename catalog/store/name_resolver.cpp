#include "catalog/store/name_resolver.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::catalog {

namespace {
constexpr int kMaxListed = 10;
constexpr std::int64_t kMaxCandidates = 50'000;
constexpr std::size_t kMinPrefix = 8;
constexpr std::size_t kShortDigits = 12;

/// The image that the entity's first sources lead to.
std::int64_t root_of(Database& db, std::int64_t entity) {
  auto root = db.query(
      "WITH RECURSIVE up(n, depth) AS (SELECT ?, 0 UNION ALL SELECT d.source, depth + 1 FROM derived d JOIN up ON "
      "d.entity = up.n WHERE d.position = 0 AND depth < 10000) SELECT n FROM up ORDER BY depth DESC LIMIT 1",
      entity);
  root.step();
  return root.integer(0);
}

/// Name of the image that the entity's first sources lead to; a part of its id when it has not come in yet.
std::string root_name(Database& db, std::int64_t entity) {
  auto root = db.query(
      "SELECT i.id, iif(e.label = '', e.name, '') FROM identifier i LEFT JOIN entity e ON e.n = i.n WHERE i.n = ?",
      root_of(db, entity));
  root.step();
  const std::string id = root.text(0), name = root.text(1);
  return name.empty() ? id.substr(0, id.find(':') + 1 + kShortDigits) : name;
}

std::vector<std::int64_t> with_prefix(Database& db, const std::string& prefix) {
  std::vector<std::int64_t> found;
  auto rows = db.query(
      "SELECT i.n FROM identifier i JOIN entity e ON e.n = i.n WHERE i.id >= ? AND i.id < ? ORDER BY i.id LIMIT ?",
      prefix, prefix + "\x7f", kMaxListed + 1);
  while (rows.step()) found.push_back(rows.integer(0));
  return found;
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::vector<std::int64_t> matches(Database& db, const std::string& wanted) {
  auto exact = db.query("SELECT i.n FROM identifier i JOIN entity e ON e.n = i.n WHERE i.id = ?", wanted);
  if (exact.step()) return {exact.integer(0)};
  std::vector<std::int64_t> found;
  auto named =
      db.query("SELECT n FROM entity WHERE name = ? AND state = 'active' ORDER BY created DESC, n DESC LIMIT ?", wanted,
               kMaxListed + 1);
  while (named.step()) found.push_back(named.integer(0));
  if (!found.empty()) return found;
  for (const std::string scheme : {"sha256:", "task:"}) {
    const bool has_scheme = wanted.starts_with(scheme);
    const std::string digits = has_scheme ? wanted.substr(scheme.size()) : wanted;
    if (digits.size() < kMinPrefix || !is_hex(digits)) continue;
    for (const std::int64_t n : with_prefix(db, scheme + digits)) found.push_back(n);
  }
  return found;
}

/// Whether all are results of one step on one image, made with different parameters.
bool one_step_of_one_image(Database& db, const std::vector<std::int64_t>& found) {
  std::set<std::pair<std::int64_t, std::string>> origins;
  for (const std::int64_t n : found) {
    auto row = db.query("SELECT project || ' ' || label, task_key IS NOT NULL FROM entity WHERE n = ?", n);
    if (!row.step() || row.integer(1) == 0) return false;
    origins.emplace(root_of(db, n), row.text(0));
  }
  return origins.size() == 1;
}

std::string listed(Database& db, const std::vector<std::int64_t>& found) {
  std::string list;
  for (std::size_t i = 0; i < std::min<std::size_t>(found.size(), kMaxListed); ++i) {
    auto row = db.query(
        "SELECT x.id, e.name, e.kind, e.project, e.created FROM entity e JOIN identifier x ON x.n = e.n WHERE e.n = ?",
        found[i]);
    row.step();
    list +=
        fmt::format("\n  {}  {} ({}, project {}, {})", row.text(0), row.text(1), row.text(2), row.text(3), row.text(4));
  }
  return found.size() > kMaxListed ? list + "\n  ..." : list;
}
}  // namespace

void update_names(Database& db, const std::set<std::int64_t>& entities) {
  std::set<std::int64_t> affected;
  for (const std::int64_t n : entities) {
    auto rows = db.query(
        "WITH RECURSIVE down(n) AS (SELECT ? UNION SELECT d.entity FROM derived d JOIN down ON d.source = down.n)"
        " SELECT e.n FROM down JOIN entity e ON e.n = down.n WHERE e.name = '' OR e.label <> ''",
        n);
    while (rows.step()) affected.insert(rows.integer(0));
  }
  for (const std::int64_t n : affected) {
    auto label = db.query("SELECT label FROM entity WHERE n = ?", n);
    label.step();
    const std::string suffix = label.text(0);
    db.run("UPDATE entity SET name = ? WHERE n = ?", root_name(db, n) + (suffix.empty() ? "" : " " + suffix), n);
  }
}

std::int64_t resolve_entity(Database& db, const std::string& id_or_name) {
  const auto found = matches(db, id_or_name);
  if (found.size() == 1 || one_step_of_one_image(db, found)) return found.front();
  if (found.empty())
    throw UserError(
        fmt::format("the catalog has no image or result '{}'{}", id_or_name, nearest_entity_name(db, id_or_name)));
  throw UserError(
      fmt::format("'{}' stands for {} things in the catalog; give the id of one of them:{}", id_or_name,
                  found.size() > kMaxListed ? fmt::format("more than {}", kMaxListed) : std::to_string(found.size()),
                  listed(db, found)));
}

std::string nearest_entity_name(Database& db, const std::string& name) {
  std::vector<std::string> names;
  auto rows = db.query("SELECT DISTINCT name FROM entity WHERE state = 'active' LIMIT ?", kMaxCandidates);
  while (rows.step()) names.push_back(rows.text(0));
  return did_you_mean(name, names);
}

}  // namespace voxflow::catalog
