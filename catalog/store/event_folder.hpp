// The events of an archive as files: new ones in events/new, the log by month in events/log. Knows no database.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/record/manifest.hpp"

namespace voxflow::catalog {

/// What a kind of event that this version does not know holds.
struct UnknownPayload {};

/// An event with its payload read; `file` is where it lies in events/new, if it does.
struct ReadEvent {
  record::Event event;
  std::variant<record::Manifest, record::Failure, record::AnnotationChange, record::AnnotationKey, UnknownPayload>
      payload;
  std::filesystem::path file;
};

/// Throws UserError when the payload does not fit the kind.
ReadEvent read_event(record::Event event);

/// One ingest at a time: an advisory lock held while this lives, also among processes.
class EventLock {
 public:
  /// Waits for the lock. Throws SystemError.
  explicit EventLock(const std::filesystem::path& file);
  ~EventLock();
  EventLock(const EventLock&) = delete;
  EventLock& operator=(const EventLock&) = delete;

 private:
  int fd_;
};

class EventFolder {
 public:
  explicit EventFolder(std::filesystem::path archive_root);
  const std::filesystem::path& archive_root() const { return root_; }
  EventLock lock() const;
  /// Puts an event into events/new: temporary name, fsync, rename.
  void emit(const record::Event& event) const;
  /// Events of events/new in order of time, then id. A damaged file is moved to events/damaged with a warning.
  std::vector<ReadEvent> read_new() const;
  /// Appends the events to the log of their months, flushes it, then removes their files.
  void move_to_log(const std::vector<ReadEvent>& events) const;
  /// Every event of the log, one at a time; lines that cannot be read are skipped with a warning.
  void for_each_logged(const std::function<void(ReadEvent)>& take) const;
  bool log_is_empty() const;
  /// The events that the artifacts' manifests stand for.
  void for_each_artifact(const std::function<void(ReadEvent)>& take) const;

 private:
  std::filesystem::path root_, new_, log_, damaged_;
};

}  // namespace voxflow::catalog
