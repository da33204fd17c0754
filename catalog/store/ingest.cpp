#include "catalog/store/ingest.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include "catalog/store/projection.hpp"
#include "catalog/store/schema.hpp"
#include "pipeline/core/files.hpp"

namespace voxflow::catalog {

namespace {
constexpr std::size_t kEventsATransaction = 1000;

void take_batch(Database& db, const std::vector<ReadEvent>& batch, IngestCounts& counts) {
  Transaction transaction(db);
  Projection projection(db);
  for (const ReadEvent& e : batch) ++(projection.take(e) ? counts.added : counts.known);
  projection.finish();
  transaction.commit();
}
}  // namespace

IngestCounts ingest_new(Database& db, const EventFolder& events) {
  IngestCounts counts;
  std::vector<ReadEvent> fresh = events.read_new();
  for (std::size_t at = 0; at < fresh.size(); at += kEventsATransaction) {
    const auto first = fresh.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last = fresh.begin() + static_cast<std::ptrdiff_t>(std::min(at + kEventsATransaction, fresh.size()));
    const std::vector<ReadEvent> batch(std::make_move_iterator(first), std::make_move_iterator(last));
    take_batch(db, batch, counts);
    events.move_to_log(batch);
  }
  return counts;
}

void emit_lost_events(Database& db, const EventFolder& events) {
  events.for_each_artifact([&](const ReadEvent& e) {
    const bool known = db.query("SELECT 1 FROM event WHERE id = ? AND source = ?", e.event.id, e.event.source).step();
    if (!known) events.emit(e.event);
  });
}

IngestCounts rebuild_from_archive(Database& db, const EventFolder& events, const std::filesystem::path& scratch) {
  const TemporaryDirectory folder(scratch, ".catalog-rebuild-");
  Database fresh(folder.path() / "catalog.sqlite");
  fresh.script("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON");
  create_tables(fresh);
  IngestCounts counts;
  std::vector<ReadEvent> batch;
  const auto flush = [&] {
    take_batch(fresh, batch, counts);
    batch.clear();
  };
  const auto take = [&](ReadEvent event) {
    batch.push_back(std::move(event));
    if (batch.size() == kEventsATransaction) flush();
  };
  events.for_each_logged(take);
  events.for_each_artifact(take);
  flush();
  db.replace_by(fresh);
  return counts;
}

}  // namespace voxflow::catalog
