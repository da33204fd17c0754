#include "pipeline/cli/naming.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "catalog/model/field_text.hpp"
#include "catalog/query/name_template.hpp"
#include "catalog/store/fields.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"

namespace fs = std::filesystem;

namespace voxflow::cli {

using catalog::Entity;
using catalog::query::NameTemplate;

namespace {
constexpr std::size_t kShortDigits = 12;

/// The images that results go back to by their first sources, as their names in the catalog do.
class Origins {
 public:
  explicit Origins(catalog::CatalogClient& catalog) : catalog_(catalog) {}

  /// Nothing for an acquisition, or when the image has not come into the catalog.
  std::optional<Entity> of(const Entity& e) {
    if (e.kind == catalog::EntityKind::acquisition) return std::nullopt;
    std::map<std::string, std::string> first_source;
    for (const auto& link : catalog_.lineage(e.id, catalog::Direction::ancestors))
      first_source.try_emplace(link.entity, link.source);
    std::string id = e.id;
    for (auto at = first_source.find(id); at != first_source.end(); at = first_source.find(id)) id = at->second;
    auto known = known_.find(id);
    if (known == known_.end()) known = known_.emplace(id, catalog_.find_id(id)).first;
    return known->second;
  }

 private:
  catalog::CatalogClient& catalog_;
  std::map<std::string, std::optional<Entity>> known_;
};

void check_fields(catalog::CatalogClient& catalog, const NameTemplate& name) {
  std::vector<std::string> known = catalog::field_names();
  known.emplace_back("port");
  for (const auto& key : catalog.keys()) known.push_back(key.name);
  for (const std::string& field : name.fields())
    if (std::ranges::find(known, field) == known.end())
      throw UserError(fmt::format("the name template '{}': there is no field or annotation '{}'{}", name.text(), field,
                                  did_you_mean(field, known)));
}

std::optional<std::string> value_of(const Placed& p, const std::string& field) {
  const Entity& e = p.entity;
  if (field == "id") return short_id(e);
  if (field == "port") return e.port.empty() ? std::nullopt : std::optional(e.port);
  if (field != "name" || e.kind == catalog::EntityKind::acquisition)
    if (auto own = field_text(e, p.made_by ? &*p.made_by : nullptr, field)) return own;
  return p.origin ? field_text(*p.origin, nullptr, field) : std::nullopt;
}

/// Gives all of them their paths, or says of the first that has none what is wrong.
void fill_names(std::vector<Placed>& placed, const NameTemplate& name,
                const std::function<std::string(const Entity&)>& extension) {
  std::string problem;
  std::size_t others = 0;
  for (Placed& p : placed) {
    try {
      std::string path = name.fill([&](const std::string& field) { return value_of(p, field); });
      const std::string end = extension(p.entity);
      if (!to_lower(path).ends_with(end)) path += end;
      p.path = path;
    } catch (const UserError& e) {
      if (problem.empty())
        problem = fmt::format("{} {}", quoted(p.entity), e.what());
      else
        ++others;
    }
  }
  if (others > 0) problem += fmt::format(" (and so for {} other{})", others, others == 1 ? "" : "s");
  if (!problem.empty()) throw UserError(problem);
}

/// The template with what tells two of the same name apart.
std::string proposal(const NameTemplate& name, const Placed& a, const Placed& b) {
  const bool by_id = short_id(a.entity) != short_id(b.entity) && !name.uses("id");
  std::string text = name.text();
  const auto dot = text.find_last_of("./}");
  const std::size_t end = dot != std::string::npos && text[dot] == '.' ? dot : text.size();
  return text.insert(end, by_id ? "_{id}" : "_{port}");
}

void check_apart(const std::vector<Placed>& placed, const NameTemplate& name) {
  std::map<fs::path, const Placed*> taken;
  for (const Placed& p : placed)
    if (const auto [at, fresh] = taken.emplace(p.path, &p); !fresh)
      throw UserError(fmt::format("{} and {} both get the name '{}'; tell them apart, for example by --name '{}'",
                                  quoted(at->second->entity), quoted(p.entity), p.path.string(),
                                  proposal(name, *at->second, p)));
}
}  // namespace

std::vector<Placed> find_with_origins(catalog::CatalogClient& catalog, const std::string& query) {
  Origins origins(catalog);
  std::vector<Placed> placed;
  for (Entity& e : catalog.find(catalog::query::parse(query))) {
    auto made_by = catalog.generated_by(e.id);
    auto origin = origins.of(e);
    placed.push_back({std::move(e), std::move(made_by), std::move(origin), {}});
  }
  return placed;
}

std::vector<Placed> place(catalog::CatalogClient& catalog, const std::string& query, const std::string& name_template,
                          const std::function<std::string(const Entity&)>& extension) {
  const NameTemplate name(name_template);
  check_fields(catalog, name);
  std::vector<Placed> placed = find_with_origins(catalog, query);
  fill_names(placed, name, extension);
  check_apart(placed, name);
  return placed;
}

fs::path target_folder(const fs::path& archive_root, const std::string& into) {
  const fs::path folder = fs::absolute(into).lexically_normal();
  const fs::path real = fs::weakly_canonical(folder), root = fs::weakly_canonical(archive_root);
  if (std::mismatch(root.begin(), root.end(), real.begin(), real.end()).first == root.end())
    throw UserError(
        fmt::format("--into '{}' lies inside the archive '{}', which keeps only what voxflow publishes; "
                    "give a folder elsewhere",
                    folder.string(), root.string()));
  return folder.has_filename() ? folder : folder.parent_path();
}

void check_way(const fs::path& top, const fs::path& file) {
  fs::path at = top;
  for (const fs::path& step : file.lexically_relative(top).parent_path()) {
    at /= step;
    const auto status = fs::symlink_status(at);
    if (fs::exists(status) && !fs::is_directory(status))
      throw UserError(
          fmt::format("'{}' cannot be made: '{}' is there and is no folder; remove it, or give another "
                      "--name",
                      file.string(), at.string()));
  }
}

std::string short_id(const Entity& entity) {
  return (entity.task_key ? *entity.task_key : entity.content_digest).hex().substr(0, kShortDigits);
}

std::string quoted(const Entity& entity) {
  return fmt::format("'{}' ({})", entity.name, short_id(entity));
}

}  // namespace voxflow::cli
