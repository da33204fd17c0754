// The catalog of one archive, reached directly in its database file.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>

#include <fmt/format.h>

#include "catalog/store/annotation_rules.hpp"
#include "catalog/store/client.hpp"
#include "catalog/store/dump.hpp"
#include "catalog/store/entity_reader.hpp"
#include "catalog/store/event_folder.hpp"
#include "catalog/store/file_system.hpp"
#include "catalog/store/ingest.hpp"
#include "catalog/store/name_resolver.hpp"
#include "catalog/store/query_sql.hpp"
#include "catalog/store/schema.hpp"
#include "pipeline/core/clock.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/core/text.hpp"

namespace fs = std::filesystem;

namespace voxflow::catalog {

using record::Annotation;
using record::AnnotationChange;
using record::AnnotationKey;

namespace {
constexpr const char* kFrom =
    " FROM entity e JOIN identifier x ON x.n = e.n LEFT JOIN image i ON i.entity = e.n"
    " LEFT JOIN generated g ON g.entity = e.n LEFT JOIN activity a ON a.n = g.activity WHERE e.state = 'active' AND ";

/// One millisecond after `time`, which is as format_time writes it; `time` itself where it is not.
std::string just_after(const std::string& time) {
  std::tm utc{};
  int ms = 0;
  if (std::sscanf(time.c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &utc.tm_hour,
                  &utc.tm_min, &utc.tm_sec, &ms) != 7)
    return time;
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  return format_time(std::chrono::system_clock::from_time_t(::timegm(&utc)) + std::chrono::milliseconds(ms + 1));
}

class DirectCatalog final : public CatalogClient {
 public:
  DirectCatalog(const fs::path& archive_root, fs::path database)
      : file_(std::move(database)), events_(archive_root), db_(file_) {
    db_.script("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL");
    if (schema_version(db_) != kSchemaVersion) prepare();
  }

  std::vector<Entity> find(const query::Query& query, Page page) override {
    SqlCondition where = compile(query, keys(), db_);
    std::vector<std::int64_t> found;
    auto row = select("SELECT e.n", where, " ORDER BY e.name, x.id LIMIT ? OFFSET ?");
    row.bind(page.limit > INT64_MAX ? std::int64_t{-1} : static_cast<std::int64_t>(page.limit));
    row.bind(static_cast<std::int64_t>(page.offset));
    while (row.step()) found.push_back(row.integer(0));
    std::vector<Entity> entities;
    for (const std::int64_t n : found) entities.push_back(read_entity(db_, n));
    return entities;
  }

  std::size_t count(const query::Query& query) override {
    auto row = select("SELECT count(*)", compile(query, keys(), db_), "");
    row.step();
    return static_cast<std::size_t>(row.integer(0));
  }

  void check(const query::Query& query) override { compile(query, keys(), db_); }

  Entity get(const std::string& id_or_name) override { return read_entity(db_, resolve_entity(db_, id_or_name)); }

  std::optional<Entity> find_id(const std::string& id) override {
    const auto n = find_entity(db_, id);
    return n ? std::optional(read_entity(db_, *n)) : std::nullopt;
  }

  std::vector<bool> published(std::span<const std::string> artifacts) override {
    std::vector<bool> found;
    for (const std::string& artifact : artifacts)
      found.push_back(db_.query("SELECT 1 FROM location WHERE artifact = ?", artifact).step());
    return found;
  }

  std::vector<AnnotationKey> keys() override { return read_keys(db_); }

  void declare(const AnnotationKey& key) override {
    const auto known = declaration(key.name);
    if (known && *known == key && is_stored(key.name)) return;
    require_usable(key);
    if (known && *known != key)
      throw UserError(fmt::format("annotation '{}' is declared as {} already, not as {}", key.name, describe(*known),
                                  describe(key)));
    events_.emit(record::key_declared_event(key, format_time(system_clock().now())));
    ingest();
  }

  void annotate(const AnnotationChange& change) override { annotate_all({&change, 1}); }

  std::size_t annotate_all(std::span<const AnnotationChange> changes) override {
    std::map<std::string, AnnotationKey> declared;
    for (const AnnotationKey& k : keys()) declared.emplace(k.name, k);
    std::vector<AnnotationChange> effective;
    std::size_t values = 0;
    for (const AnnotationChange& change : changes) {
      AnnotationChange rest = what_changes(change, declared);
      values += rest.set.size() + rest.removed.size();
      if (!rest.set.empty() || !rest.removed.empty()) effective.push_back(std::move(rest));
    }
    for (const AnnotationChange& change : effective)
      events_.emit(record::annotated_event(change, time_for(change.entity)));
    if (!effective.empty()) ingest();
    return values;
  }

  std::vector<record::SourceLocation> source_locations(const std::string& entity) override {
    std::vector<record::SourceLocation> locations;
    auto row = db_.query("SELECT payload FROM event WHERE source = ? AND kind = 'located' ORDER BY ts, id", entity);
    while (row.step()) locations.push_back(record::SourceLocation::from_json(row.text(0)));
    return locations;
  }

  std::optional<Activity> generated_by(const std::string& entity) override {
    return read_generating_activity(db_, require_entity(entity));
  }
  std::vector<Link> lineage(const std::string& entity, Direction direction) override {
    return read_lineage(db_, require_entity(entity), direction);
  }
  std::vector<Activity> history(const std::string& workflow, const std::string& step,
                                const std::string& source) override {
    return read_history(db_, workflow, step, require_entity(source));
  }

  IngestCounts ingest() override {
    const EventLock lock = events_.lock();
    return ingest_new(db_, events_);
  }

  IngestCounts ingest_and_scan() override {
    const EventLock lock = events_.lock();
    emit_lost_events(db_, events_);
    return ingest_new(db_, events_);
  }

  IngestCounts rebuild() override {
    const EventLock lock = events_.lock();
    IngestCounts counts = rebuild_from_archive(db_, events_, folder());
    const IngestCounts fresh = ingest_new(db_, events_);
    return {counts.added + fresh.added, counts.known + fresh.known};
  }

  std::string dump() override { return catalog::dump(db_); }

 private:
  fs::path folder() const { return file_.has_parent_path() ? file_.parent_path() : fs::path("."); }

  /// Makes the tables, once among all processes; fills them when the archive has a past.
  void prepare() {
    const EventLock lock = events_.lock();
    const int version = schema_version(db_);
    if (version == kSchemaVersion) return;
    if (version > kSchemaVersion)
      throw UserError(fmt::format("the catalog '{}' has layout {}, this voxflow knows up to {}; use a newer voxflow",
                                  file_.string(), version, kSchemaVersion));
    db_.script("PRAGMA journal_mode = WAL");
    if (version == 0 && events_.log_is_empty()) {
      Transaction transaction(db_);
      create_tables(db_);
      transaction.commit();
      return;
    }
    log::info("the catalog '{}' is made from the archive", file_.string());
    rebuild_from_archive(db_, events_, folder());
  }

  Statement select(const std::string& what, const SqlCondition& where, const std::string& rest) {
    Statement s(db_, what + kFrom + where.text + rest);
    for (const SqlValue& v : where.values) s.bind(v);
    return s;
  }

  std::int64_t require_entity(const std::string& id) {
    const auto n = find_entity(db_, id);
    return n ? *n : resolve_entity(db_, id);
  }

  std::optional<AnnotationKey> declaration(const std::string& name) {
    for (const AnnotationKey& k : keys())
      if (k.name == name) return k;
    return std::nullopt;
  }

  bool is_stored(const std::string& key) {
    return db_.query("SELECT 1 FROM ann_key WHERE name = ? AND type IS NOT NULL", key).step();
  }

  /// The part of `change` that is not so already, its values as declared. Adds new keys to `declared`.
  AnnotationChange what_changes(const AnnotationChange& change, std::map<std::string, AnnotationKey>& declared) {
    const Entity entity = get(change.entity);
    const auto standing = [&](const std::string& key) -> const Annotation* {
      const auto it = std::ranges::find(entity.annotations, key, [](const Annotation& a) { return a.key.name; });
      return it == entity.annotations.end() ? nullptr : &*it;
    };
    AnnotationChange rest{entity.id, {}, {}, change.agent};
    for (const Annotation& a : change.set) {
      if (!declared.contains(a.key.name)) {
        require_usable(a.key);
        declared.emplace(a.key.name, a.key);
      }
      Annotation fitted = with_context(entity.name, [&] { return fit(declared.at(a.key.name), a); });
      const Annotation* now = standing(a.key.name);
      if (now == nullptr || *now != fitted) rest.set.push_back(std::move(fitted));
    }
    for (const std::string& key : change.removed) {
      if (!declared.contains(key)) {
        std::vector<std::string> names;
        for (const auto& [name, k] : declared) names.push_back(name);
        throw UserError(fmt::format("there is no annotation '{}'{}", key, did_you_mean(key, names)));
      }
      if (standing(key) != nullptr) rest.removed.push_back(key);
    }
    return rest;
  }

  /// Now, or just after the latest annotation of the entity: of two changes the one that was made later has to win.
  std::string time_for(const std::string& entity) {
    std::string now = format_time(system_clock().now());
    auto row = db_.query(
        "SELECT max(v.ts) FROM identifier x JOIN entity_ann ea ON ea.entity = x.n JOIN event v ON v.n = ea.event WHERE "
        "x.id = ?",
        entity);
    if (row.step() && row.text(0) >= now) now = just_after(row.text(0));
    return now;
  }

  fs::path file_;
  EventFolder events_;
  Database db_;
};
}  // namespace

std::unique_ptr<CatalogClient> open_catalog(const fs::path& archive_root, const fs::path& database) {
  if (database.has_parent_path()) make_directories(database.parent_path());
  require_local_disk(database);
  return std::make_unique<DirectCatalog>(archive_root, database);
}

}  // namespace voxflow::catalog
