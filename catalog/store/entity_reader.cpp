#include "catalog/store/entity_reader.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catalog/store/annotation_rules.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::catalog {

using record::AnnotationKey;
using record::AnnotationType;

namespace {
AnnotationType type_from(const std::string& name) {
  for (const auto t : {AnnotationType::text, AnnotationType::date, AnnotationType::boolean})
    if (to_string(t) == name) return t;
  return AnnotationType::number;
}

template <class T>
T known(std::optional<T> value, const std::string& what) {
  if (!value) throw InternalError(fmt::format("the catalog holds a {} that this version does not know", what));
  return *value;
}

std::optional<double> optional_real(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.real(column));
}

std::optional<record::ImageInfo> read_image(Database& db, std::int64_t n) {
  auto row = db.query("SELECT kind, dtype, sz, sy, sx, st, vz_um, vy_um, vx_um, dt_s FROM image WHERE entity = ?", n);
  if (!row.step()) return std::nullopt;
  record::ImageInfo i;
  i.kind = known(record::image_kind_from(row.text(0)), "kind of image");
  i.dtype = known(dtype_from(row.text(1)), "voxel type");
  i.grid.shape = {row.integer(2), row.integer(3), row.integer(4)};
  i.timepoints = static_cast<int>(row.integer(5));
  i.grid.spacing = {{{row.real(6)}, {row.real(7)}, {row.real(8)}}};
  i.time_step_s = optional_real(row, 9);
  auto channels = db.query("SELECT name, emission_nm, excitation_nm FROM channel WHERE entity = ? ORDER BY c", n);
  while (channels.step())
    i.channels.push_back({channels.text(0), optional_real(channels, 1), optional_real(channels, 2)});
  return i;
}

/// The value in the declared unit, or as it came where it does not fit the declaration.
record::Annotation declared_value(const AnnotationKey& declared, record::Annotation stored) {
  if (measure(declared) != measure(stored.key)) return stored;
  if (declared.unit != stored.key.unit)
    stored.value = convert({std::get<double>(stored.value), stored.key.unit}, declared.unit);
  stored.key = declared;
  return stored;
}

std::vector<record::Annotation> read_annotations(Database& db, std::int64_t n) {
  std::vector<record::Annotation> annotations;
  auto row = db.query(
      "SELECT k.name, k.type, k.unit, v.measure, v.text, v.num, v.unit FROM entity_ann ea JOIN ann_value v ON v.n = "
      "ea.value"
      " JOIN ann_key k ON k.n = ea.key WHERE ea.entity = ? ORDER BY k.name",
      n);
  while (row.step()) {
    const AnnotationKey declared{row.text(0), type_from(row.text(1)), row.text(2)};
    record::Annotation stored{{row.text(0), type_from(row.text(3)), row.text(6)}, row.text(4)};
    if (stored.key.type == AnnotationType::number) stored.value = row.real(5);
    if (stored.key.type == AnnotationType::boolean) stored.value = row.real(5) != 0;
    annotations.push_back(declared_value(declared, std::move(stored)));
  }
  return annotations;
}

constexpr const char* kActivityColumns =
    "v.id, a.status, a.workflow, a.step, a.run, a.kernel, a.kernel_version, a.attempt, a.started, a.ended, a.host, "
    "a.job, a.params,"
    " a.identity, a.workflow_sha256, a.plugin_sha256, a.task_key, a.failure_class, a.message, a.log,"
    " (SELECT g.name FROM associated s JOIN agent g ON g.n = s.agent WHERE s.activity = a.n AND s.role = 'operator'),"
    " (SELECT g.name FROM associated s JOIN agent g ON g.n = s.agent WHERE s.activity = a.n AND s.role = 'software')";

Activity activity_from(const Statement& row) {
  Activity a;
  int c = 0;
  for (std::string* field : {&a.id, &a.status, &a.workflow, &a.step, &a.run, &a.kernel}) *field = row.text(c++);
  a.kernel_version = static_cast<int>(row.integer(c++));
  a.attempt = static_cast<int>(row.integer(c++));
  for (std::string* field :
       {&a.started, &a.ended, &a.host, &a.job, &a.params, &a.identity, &a.workflow_sha256, &a.plugin_sha256})
    *field = row.text(c++);
  a.task_key = digest_from(row.text(c++));
  for (std::string* field : {&a.failure_class, &a.message, &a.log, &a.agent, &a.software}) *field = row.text(c++);
  return a;
}
}  // namespace

Entity read_entity(Database& db, std::int64_t n) {
  auto row = db.query(
      "SELECT x.id, e.kind, e.state, e.project, e.name, e.content_digest, e.task_key, e.port, e.artifact, e.file, "
      "e.size_bytes,"
      " e.created, e.count FROM entity e JOIN identifier x ON x.n = e.n WHERE e.n = ?",
      n);
  if (!row.step()) throw InternalError("an entity vanished from the catalog while it was read");
  Entity e;
  e.id = row.text(0);
  e.kind = known(entity_kind_from(row.text(1)), "kind of entity");
  e.state = known(entity_state_from(row.text(2)), "state of an entity");
  e.project = row.text(3);
  e.name = row.text(4);
  e.content_digest = known(digest_from(row.text(5)), "digest");
  e.task_key = digest_from(row.text(6));
  e.port = row.text(7);
  e.artifact = row.text(8);
  e.file = row.text(9);
  e.size_bytes = static_cast<std::uint64_t>(row.integer(10));
  e.created = row.text(11);
  if (!row.is_null(12)) e.count = static_cast<std::uint64_t>(row.integer(12));
  e.image = read_image(db, n);
  e.annotations = read_annotations(db, n);
  auto copies =
      db.query("SELECT artifact FROM location WHERE entity = ? AND artifact <> ? ORDER BY artifact", n, e.artifact);
  while (copies.step()) e.copies.push_back(copies.text(0));
  return e;
}

std::optional<std::int64_t> find_entity(Database& db, const std::string& id) {
  auto row = db.query("SELECT e.n FROM identifier x JOIN entity e ON e.n = x.n WHERE x.id = ?", id);
  return row.step() ? std::optional(row.integer(0)) : std::nullopt;
}

std::vector<AnnotationKey> read_keys(Database& db) {
  std::vector<AnnotationKey> keys(fixed_keys().begin(), fixed_keys().end());
  auto row = db.query("SELECT name, type, unit FROM ann_key WHERE type IS NOT NULL");
  while (row.step())
    if (std::ranges::none_of(fixed_keys(), [&](const AnnotationKey& k) { return k.name == row.text(0); }))
      keys.push_back({row.text(0), type_from(row.text(1)), row.text(2)});
  std::ranges::sort(keys, {}, &AnnotationKey::name);
  return keys;
}

std::optional<Activity> read_generating_activity(Database& db, std::int64_t entity) {
  auto row =
      db.query(fmt::format("SELECT {} FROM generated g JOIN activity a ON a.n = g.activity JOIN event v ON v.n = a.n"
                           " WHERE g.entity = ?",
                           kActivityColumns),
               entity);
  return row.step() ? std::optional(activity_from(row)) : std::nullopt;
}

std::vector<Activity> read_history(Database& db, const std::string& workflow, const std::string& step,
                                   std::int64_t source) {
  std::vector<Activity> activities;
  auto row = db.query(
      fmt::format(
          "WITH RECURSIVE down(n) AS (SELECT ?1 UNION SELECT d.entity FROM derived d JOIN down ON d.source = down.n)"
          " SELECT {} FROM activity a JOIN event v ON v.n = a.n WHERE (a.workflow = ?2 AND a.step = ?3 AND"
          " EXISTS (SELECT 1 FROM used u JOIN down ON down.n = u.entity WHERE u.activity = a.n))"
          " OR (a.status = 'failed' AND a.step = ?3 AND a.image = (SELECT name FROM entity WHERE n = ?1))"
          " ORDER BY a.ended DESC, v.id",
          kActivityColumns),
      source, workflow, step);
  while (row.step()) activities.push_back(activity_from(row));
  return activities;
}

std::vector<Link> read_lineage(Database& db, std::int64_t entity, Direction direction) {
  const char* walk = direction == Direction::ancestors
                         ? "SELECT d.source FROM derived d JOIN walk ON d.entity = walk.n"
                         : "SELECT d.entity FROM derived d JOIN walk ON d.source = walk.n";
  const char* joined = direction == Direction::ancestors ? "d.entity" : "d.source";
  std::vector<Link> links;
  auto row = db.query(fmt::format("WITH RECURSIVE walk(n) AS (SELECT ? UNION {})"
                                  " SELECT x.id, s.id, v.id, u.role FROM walk JOIN derived d ON {} = walk.n"
                                  " JOIN identifier x ON x.n = d.entity JOIN identifier s ON s.n = d.source"
                                  " JOIN event v ON v.n = d.activity"
                                  " JOIN used u ON u.activity = d.activity AND u.position = d.position"
                                  " ORDER BY v.ts, x.id, d.position",
                                  walk, joined),
                      entity);
  while (row.step()) links.push_back({row.text(0), row.text(1), row.text(2), row.text(3)});
  return links;
}

}  // namespace voxflow::catalog
