#include "catalog/store/schema.hpp"

#include <fmt/format.h>

namespace voxflow::catalog {

namespace {
// identifier gives each entity id a number, also before the entity itself is known: events come in any order.
// A key without type has only been removed so far; a value that is NULL has been removed.
// Of ann_value, `measure` is the type, or what the unit measures, and `base` the number in that dimension's base unit:
// what compares with each other, whatever units were written.
constexpr const char* kTables = R"sql(
CREATE TABLE event(
  n INTEGER PRIMARY KEY, id TEXT NOT NULL, ts TEXT NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, payload TEXT NOT NULL,
  UNIQUE(id, source)) STRICT;
CREATE INDEX event_source ON event(source);
CREATE TABLE identifier(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE agent(n INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE(kind, name)) STRICT;
CREATE TABLE entity(
  n INTEGER PRIMARY KEY REFERENCES identifier, event INTEGER NOT NULL REFERENCES event, kind TEXT NOT NULL,
  state TEXT NOT NULL, project TEXT NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL, content_digest TEXT NOT NULL,
  task_key TEXT, port TEXT NOT NULL, artifact TEXT NOT NULL, file TEXT NOT NULL, size_bytes INTEGER NOT NULL,
  created TEXT NOT NULL, count INTEGER) STRICT;
CREATE INDEX entity_name ON entity(name);
CREATE INDEX entity_project ON entity(project, kind);
CREATE INDEX entity_task ON entity(task_key) WHERE task_key IS NOT NULL;
CREATE TABLE location(
  entity INTEGER NOT NULL REFERENCES identifier, artifact TEXT NOT NULL, PRIMARY KEY(entity, artifact)) STRICT, WITHOUT ROWID;
CREATE INDEX location_artifact ON location(artifact);
CREATE TABLE image(
  entity INTEGER PRIMARY KEY REFERENCES entity, kind TEXT NOT NULL, dtype TEXT NOT NULL, sz INTEGER NOT NULL,
  sy INTEGER NOT NULL, sx INTEGER NOT NULL, sc INTEGER NOT NULL, st INTEGER NOT NULL, vz_um REAL NOT NULL,
  vy_um REAL NOT NULL, vx_um REAL NOT NULL, dt_s REAL) STRICT;
CREATE TABLE channel(
  entity INTEGER NOT NULL REFERENCES entity, c INTEGER NOT NULL, name TEXT NOT NULL, emission_nm REAL, excitation_nm REAL,
  PRIMARY KEY(entity, c)) STRICT, WITHOUT ROWID;
CREATE INDEX channel_name ON channel(name, entity);
CREATE TABLE ann_key(
  n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, type TEXT, unit TEXT, event INTEGER REFERENCES event) STRICT;
CREATE TABLE ann_value(
  n INTEGER PRIMARY KEY, key INTEGER NOT NULL REFERENCES ann_key, measure TEXT NOT NULL, text TEXT NOT NULL,
  num REAL NOT NULL, unit TEXT NOT NULL, base REAL NOT NULL, UNIQUE(key, measure, text, num, unit)) STRICT;
CREATE INDEX ann_value_base ON ann_value(key, measure, base);
CREATE TABLE entity_ann(
  entity INTEGER NOT NULL REFERENCES identifier, key INTEGER NOT NULL REFERENCES ann_key,
  value INTEGER REFERENCES ann_value, event INTEGER NOT NULL REFERENCES event, PRIMARY KEY(entity, key)) STRICT, WITHOUT ROWID;
CREATE INDEX entity_ann_value ON entity_ann(value, entity);
CREATE TABLE activity(
  n INTEGER PRIMARY KEY REFERENCES event, status TEXT NOT NULL, workflow TEXT NOT NULL, step TEXT NOT NULL,
  run TEXT NOT NULL, kernel TEXT NOT NULL, kernel_version INTEGER NOT NULL, attempt INTEGER NOT NULL, started TEXT NOT NULL,
  ended TEXT NOT NULL, host TEXT NOT NULL, job TEXT NOT NULL, params TEXT NOT NULL, identity TEXT NOT NULL,
  workflow_sha256 TEXT NOT NULL, plugin_sha256 TEXT NOT NULL, task_key TEXT, image TEXT NOT NULL,
  failure_class TEXT NOT NULL, message TEXT NOT NULL, log TEXT NOT NULL) STRICT;
CREATE INDEX activity_step ON activity(workflow, step);
CREATE TABLE associated(
  activity INTEGER NOT NULL REFERENCES activity, agent INTEGER NOT NULL REFERENCES agent, role TEXT NOT NULL,
  PRIMARY KEY(activity, agent, role)) STRICT, WITHOUT ROWID;
CREATE TABLE used(
  activity INTEGER NOT NULL REFERENCES activity, position INTEGER NOT NULL, role TEXT NOT NULL,
  entity INTEGER NOT NULL REFERENCES identifier, PRIMARY KEY(activity, position)) STRICT, WITHOUT ROWID;
CREATE TABLE generated(
  entity INTEGER PRIMARY KEY REFERENCES entity, activity INTEGER NOT NULL REFERENCES activity) STRICT;
CREATE INDEX generated_activity ON generated(activity);
CREATE TABLE derived(
  entity INTEGER NOT NULL REFERENCES entity, position INTEGER NOT NULL, source INTEGER NOT NULL REFERENCES identifier,
  activity INTEGER NOT NULL REFERENCES activity, PRIMARY KEY(entity, position)) STRICT, WITHOUT ROWID;
CREATE INDEX derived_source ON derived(source, entity);
)sql";
}  // namespace

void create_tables(Database& db) {
  db.script(kTables);
  db.script(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
}

int schema_version(Database& db) {
  auto s = db.query("PRAGMA user_version");
  return s.step() ? static_cast<int>(s.integer(0)) : 0;
}

}  // namespace voxflow::catalog
