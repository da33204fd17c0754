#include "catalog/store/projection.hpp"

#include <tuple>

#include <fmt/format.h>

#include "catalog/model/model.hpp"
#include "catalog/store/annotation_rules.hpp"
#include "catalog/store/name_resolver.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/record/identity.hpp"

namespace voxflow::catalog {

namespace {
std::string entity_id(const record::Manifest& m, const record::Output& o) {
  return m.task_key ? record::task_id(*m.task_key, o.port) : record::content_id(o.content_digest);
}

std::string kind_of(const record::Manifest& m, const record::Output& o) {
  if (!m.task_key) return o.kind == "psf" ? "psf" : "acquisition";
  return entity_kind_from(o.kind) ? o.kind : "result";
}

/// What a result's name has behind its image's name.
std::string label_of(const record::Manifest& m, const record::Output& o) {
  if (!m.task_key) return "";
  std::string label = m.workflow.empty() ? m.step : m.workflow + "/" + m.step;
  if (m.outputs.size() > 1) label += "." + o.port;
  return label;
}

std::uint64_t size_bytes(const record::Manifest& m, const std::string& file) {
  for (const record::FileRecord& f : m.files)
    if (f.name == file) return f.size_bytes;
  return 0;
}

std::optional<std::string> hex(const std::optional<Digest>& d) {
  return d ? std::optional(d->hex()) : std::nullopt;
}
}  // namespace

bool Projection::take(const ReadEvent& read) {
  const record::Event& e = read.event;
  if (db_.run("INSERT OR IGNORE INTO event(id, ts, kind, source, payload) VALUES (?, ?, ?, ?, ?)", e.id, e.time, e.kind,
              e.source, e.payload) == 0)
    return false;
  auto row = db_.query("SELECT n FROM event WHERE id = ? AND source = ?", e.id, e.source);
  row.step();
  const std::int64_t n = row.integer(0);
  if (const auto* m = std::get_if<record::Manifest>(&read.payload)) {
    published(n, e, *m);
  } else if (const auto* f = std::get_if<record::Failure>(&read.payload)) {
    failed(n, e, *f);
  } else if (const auto* change = std::get_if<record::AnnotationChange>(&read.payload)) {
    const std::int64_t entity = identifier(change->entity);
    for (const record::Annotation& a : change->set) set(n, entity, a);
    for (const std::string& key : change->removed) remove(n, entity, key);
  } else if (const auto* key = std::get_if<record::AnnotationKey>(&read.payload)) {
    declare(n, *key);
  }
  return true;
}

void Projection::finish() {
  update_names(db_, touched_);
  touched_.clear();
}

void Projection::published(std::int64_t event, const record::Event& e, const record::Manifest& m) {
  if (m.task_key) put_activity(event, m);
  for (const record::Output& o : m.outputs) publish_output(event, e, m, o);
}

void Projection::publish_output(std::int64_t event, const record::Event& e, const record::Manifest& m,
                                const record::Output& o) {
  const std::int64_t n = identifier(entity_id(m, o));
  db_.run("INSERT OR IGNORE INTO location(entity, artifact) VALUES (?, ?)", n, e.source);
  if (!m.task_key)
    for (const record::Annotation& a : m.annotations) set(event, n, a);
  if (const auto known = standing(n)) {
    // The same task has the same content wherever it runs; where it has not, somebody has to know.
    if (m.task_key && known->content_digest != o.content_digest.hex())
      log::warning("nondeterminism: output '{}' of task {} has content {} in '{}', but {} in '{}'", o.port,
                   m.task_key->hex().substr(0, 12), known->content_digest, known->artifact, o.content_digest.hex(),
                   e.source);
    if (!wins(n, *known, e, m)) return;
  }
  touched_.insert(n);
  db_.run(
      "INSERT INTO entity(n, event, kind, state, project, name, label, content_digest, task_key, port, artifact, file,"
      " size_bytes, created, count) VALUES (?, ?, ?, 'active', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT(n) DO UPDATE SET event = excluded.event, kind = excluded.kind, project = excluded.project,"
      " name = excluded.name, label = excluded.label, content_digest = excluded.content_digest, port = excluded.port,"
      " artifact = excluded.artifact, file = excluded.file, size_bytes = excluded.size_bytes, created = "
      "excluded.created,"
      " count = excluded.count",
      n, event, kind_of(m, o), m.project, m.name, label_of(m, o), o.content_digest.hex(), hex(m.task_key), o.port,
      e.source, o.file, size_bytes(m, o.file), m.published, o.count);
  put_image(n, o);
  if (m.task_key) put_sources(event, n, m);
}

std::optional<Projection::Standing> Projection::standing(std::int64_t entity) {
  auto row = db_.query(
      "SELECT v.ts, v.id, v.source, e.content_digest FROM entity e JOIN event v ON v.n = e.event WHERE e.n = ?",
      entity);
  if (!row.step()) return std::nullopt;
  return Standing{row.text(0), row.text(1), row.text(2), row.text(3)};
}

/// Of an acquisition that was imported several times the first import counts. Of a result that was computed again the
/// last counts, in the project that had it first: another project's copy is a location of it.
bool Projection::wins(std::int64_t entity, const Standing& known, const record::Event& e, const record::Manifest& m) {
  const auto before = std::tie(known.time, known.id, known.artifact);
  const auto fresh = std::tie(e.time, e.id, e.source);
  if (!m.task_key) return fresh < before;
  if (known.artifact == e.source) return fresh > before;
  auto first = db_.query(
      "SELECT v.source FROM location l JOIN event v ON v.source = l.artifact WHERE l.entity = ? ORDER BY v.ts, v.id, "
      "v.source LIMIT 1",
      entity);
  return first.step() && first.text(0) == e.source;
}

void Projection::put_image(std::int64_t entity, const record::Output& o) {
  db_.run("DELETE FROM image WHERE entity = ?", entity);
  db_.run("DELETE FROM channel WHERE entity = ?", entity);
  if (!o.image) return;
  const record::ImageInfo& i = *o.image;
  const auto& [sz, sy, sx] = i.grid.shape;
  const auto& s = i.grid.spacing;
  db_.run(
      "INSERT INTO image(entity, kind, dtype, sz, sy, sx, sc, st, vz_um, vy_um, vx_um, dt_s)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      entity, to_string(i.kind), to_string(i.dtype), sz, sy, sx, i.channel_count(), i.timepoints, s[kZ].value,
      s[kY].value, s[kX].value, i.time_step_s);
  for (int c = 0; c < i.channel_count(); ++c) {
    const record::Channel& ch = i.channels[static_cast<std::size_t>(c)];
    db_.run("INSERT INTO channel(entity, c, name, emission_nm, excitation_nm) VALUES (?, ?, ?, ?, ?)", entity, c,
            ch.name, ch.emission_nm, ch.excitation_nm);
  }
}

void Projection::put_activity(std::int64_t event, const record::Manifest& m) {
  db_.run(
      "INSERT INTO activity(n, status, workflow, step, run, kernel, kernel_version, attempt, started, ended, host, "
      "job, params,"
      " identity, workflow_sha256, plugin_sha256, task_key, image, failure_class, message, log)"
      " VALUES (?, 'done', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', '', '')",
      event, m.workflow, m.step, m.run, m.kernel, m.kernel_version, m.attempt, m.started, m.published, m.host, m.job,
      m.params, m.identity, m.workflow_sha256, m.plugin_digest, hex(m.task_key));
  associate(event, "operator", "person", m.agent);
  associate(event, "software", "software", m.software);
  int position = 0;
  for (const record::InputRecord& i : m.inputs)
    db_.run("INSERT INTO used(activity, position, role, entity) VALUES (?, ?, ?, ?)", event, position++, i.port,
            identifier(i.id));
}

void Projection::put_sources(std::int64_t event, std::int64_t entity, const record::Manifest& m) {
  db_.run(
      "INSERT INTO generated(entity, activity) VALUES (?, ?) ON CONFLICT(entity) DO UPDATE SET activity = "
      "excluded.activity",
      entity, event);
  db_.run("DELETE FROM derived WHERE entity = ?", entity);
  int position = 0;
  for (const record::InputRecord& i : m.inputs)
    db_.run("INSERT INTO derived(entity, position, source, activity) VALUES (?, ?, ?, ?)", entity, position++,
            identifier(i.id), event);
}

void Projection::failed(std::int64_t event, const record::Event& e, const record::Failure& f) {
  db_.run(
      "INSERT INTO activity(n, status, workflow, step, run, kernel, kernel_version, attempt, started, ended, host, "
      "job, params,"
      " identity, workflow_sha256, plugin_sha256, task_key, image, failure_class, message, log)"
      " VALUES (?, 'failed', '', ?, ?, '', 0, ?, '', ?, ?, '', '', '', '', '', ?, ?, ?, ?, ?)",
      event, f.step, f.run, f.attempt, e.time, f.node, f.task_key.hex(), f.image, f.failure_class, f.message, f.log);
}

void Projection::associate(std::int64_t activity, const char* role, const char* kind, const std::string& name) {
  if (name.empty()) return;
  db_.run("INSERT OR IGNORE INTO agent(kind, name) VALUES (?, ?)", kind, name);
  db_.run("INSERT INTO associated(activity, agent, role) SELECT ?, n, ? FROM agent WHERE kind = ? AND name = ?",
          activity, role, kind, name);
}

void Projection::set(std::int64_t event, std::int64_t entity, const record::Annotation& a) {
  declare(event, a.key);
  const std::int64_t key = key_number(a.key.name);
  const auto* text = std::get_if<std::string>(&a.value);
  const auto* truth = std::get_if<bool>(&a.value);
  const double number = text ? 0 : truth ? (*truth ? 1 : 0) : std::get<double>(a.value);
  const std::string kind = measure(a.key);
  const std::string value = text ? *text : "";
  const std::string unit = text || truth ? "" : a.key.unit;
  db_.run("INSERT OR IGNORE INTO ann_value(key, measure, text, num, unit, base) VALUES (?, ?, ?, ?, ?, ?)", key, kind,
          value, number, unit, in_base_unit(number, unit));
  auto row = db_.query("SELECT n FROM ann_value WHERE key = ? AND measure = ? AND text = ? AND num = ? AND unit = ?",
                       key, kind, value, number, unit);
  row.step();
  put_value(event, entity, key, row.integer(0));
}

void Projection::remove(std::int64_t event, std::int64_t entity, const std::string& key) {
  put_value(event, entity, key_number(key), nullptr);
}

/// The last writer's value stays.
void Projection::put_value(std::int64_t event, std::int64_t entity, std::int64_t key, const SqlValue& value) {
  db_.run(
      "INSERT INTO entity_ann(entity, key, value, event) VALUES (?, ?, ?, ?) ON CONFLICT(entity, key) DO UPDATE"
      " SET value = excluded.value, event = excluded.event"
      " WHERE (SELECT ts, id, source FROM event WHERE n = excluded.event) >="
      " (SELECT ts, id, source FROM event WHERE n = entity_ann.event)",
      entity, key, value, event);
}

/// The first declaration counts.
void Projection::declare(std::int64_t event, const record::AnnotationKey& key) {
  db_.run(
      "UPDATE ann_key SET type = ?2, unit = ?3, event = ?4 WHERE n = ?1 AND (event IS NULL OR"
      " (SELECT ts, id, source FROM event WHERE n = ?4) < (SELECT ts, id, source FROM event WHERE n = ann_key.event))",
      key_number(key.name), record::to_string(key.type), key.type == record::AnnotationType::number ? key.unit : "",
      event);
}

std::int64_t Projection::key_number(const std::string& name) {
  db_.run("INSERT OR IGNORE INTO ann_key(name) VALUES (?)", name);
  auto row = db_.query("SELECT n FROM ann_key WHERE name = ?", name);
  row.step();
  return row.integer(0);
}

std::int64_t Projection::identifier(const std::string& id) {
  db_.run("INSERT OR IGNORE INTO identifier(id) VALUES (?)", id);
  auto row = db_.query("SELECT n FROM identifier WHERE id = ?", id);
  row.step();
  return row.integer(0);
}

}  // namespace voxflow::catalog
