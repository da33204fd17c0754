// Takes the archive's events into a database: the new ones, or all there ever were.
#pragma once
#include <filesystem>

#include "catalog/store/client.hpp"
#include "catalog/store/event_folder.hpp"
#include "catalog/store/sqlite.hpp"

namespace voxflow::catalog {

/// Takes events/new into `db`, then moves them to the log. The caller holds the folder's lock.
IngestCounts ingest_new(Database& db, const EventFolder& events);

/// Puts an event into events/new for each published artifact that `db` does not know. The caller holds the folder's
/// lock.
void emit_lost_events(Database& db, const EventFolder& events);

/// Replaces the content of `db` by what the manifests and the log say, at once for every reader. The caller holds the
/// folder's lock. Works in a temporary folder in `scratch`.
IngestCounts rebuild_from_archive(Database& db, const EventFolder& events, const std::filesystem::path& scratch);

}  // namespace voxflow::catalog
