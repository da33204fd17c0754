// How everybody reaches the catalog: directly today, through a server's socket later. Knows no database.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catalog/model/model.hpp"
#include "catalog/query/query.hpp"

namespace voxflow::catalog {

struct Page {
  std::size_t offset = 0;
  std::size_t limit = SIZE_MAX;
};

struct IngestCounts {
  std::size_t added = 0, known = 0;
};

/// One way of the lineage graph.
enum class Direction { ancestors, descendants };

class CatalogClient {
 public:
  virtual ~CatalogClient() = default;

  /// Active entities that match, ordered by name then id. Throws query::QueryError (unknown key, wrong unit or type).
  virtual std::vector<Entity> find(const query::Query& query, Page page = {}) = 0;
  virtual std::size_t count(const query::Query& query) = 0;
  /// Checks names, types and units of `query` without running it. Throws query::QueryError.
  virtual void check(const query::Query& query) = 0;

  /// By id, unique id prefix (≥ 8 hex digits) or name. Throws UserError when nothing or more than one thing matches.
  virtual Entity get(const std::string& id_or_name) = 0;
  virtual std::optional<Entity> find_id(const std::string& id) = 0;
  /// Which of these artifacts (folders relative to the archive) are published. One request for all.
  virtual std::vector<bool> published(std::span<const std::string> artifacts) = 0;

  /// Names of the declared annotation keys with type and unit.
  virtual std::vector<record::AnnotationKey> keys() = 0;
  /// Declares or confirms a key. Throws UserError when it is declared otherwise.
  virtual void declare(const record::AnnotationKey& key) = 0;
  /// Values are typed by their keys' declarations; a key not yet declared is declared. Writes an event. Throws
  /// UserError.
  virtual void annotate(const record::AnnotationChange& change) = 0;
  /// All changes or, when one of them is refused, none. Values that stand already are left out; returns how many values
  /// were changed or removed.
  virtual std::size_t annotate_all(std::span<const record::AnnotationChange> changes) = 0;

  /// Further files from which an acquisition was imported again, oldest first.
  virtual std::vector<record::SourceLocation> source_locations(const std::string& entity) = 0;

  virtual std::optional<Activity> generated_by(const std::string& entity) = 0;
  virtual std::vector<Link> lineage(const std::string& entity, Direction direction) = 0;
  /// Activities of a step on an image (entity id of the acquisition), newest first: what `why` compares with.
  virtual std::vector<Activity> history(const std::string& workflow, const std::string& step,
                                        const std::string& source) = 0;

  /// Takes events/new into the catalog under one lock and compacts them into events/log.
  virtual IngestCounts ingest() = 0;
  /// As ingest, but first walks the archive for artifacts whose events were lost.
  virtual IngestCounts ingest_and_scan() = 0;
  /// Makes the catalog again from the artifacts' manifests and the event log, and nothing else.
  virtual IngestCounts rebuild() = 0;
  /// Every row of every table in a canonical text, for comparing two catalogs.
  virtual std::string dump() = 0;
};

/// The catalog of the archive at `archive_root`, in `database` (a file on a local disk; created when absent). Throws
/// UserError when `database` lies on a network file system.
std::unique_ptr<CatalogClient> open_catalog(const std::filesystem::path& archive_root,
                                            const std::filesystem::path& database);

}  // namespace voxflow::catalog
