// The run's append-only journal, and the report files that jobs append to. Private to this room.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/record/plan.hpp"

namespace voxflow::engine {

/// Writes whole lines; a killed head leaves at most a broken last one.
class Journal {
 public:
  /// Opens `file` for appending. Throws SystemError.
  explicit Journal(const std::filesystem::path& file);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  enum class Durable { when_the_system_likes, at_once };
  /// Throws DiskFullError or SystemError.
  void append(const record::JournalEntry& entry, Durable durable = Durable::when_the_system_likes);

 private:
  std::filesystem::path file_;
  int fd_ = -1;
};

/// Reads the lines that were added to a file since the last call; a line counts once its end is there.
class LineTail {
 public:
  explicit LineTail(std::filesystem::path file) : file_(std::move(file)) {}
  /// No lines while the file is not there. Throws SystemError when it cannot be read.
  std::vector<std::string> read();

 private:
  std::filesystem::path file_;
  std::size_t offset_ = 0;
};

/// Every whole, sound line of a journal, in order; a broken one (a killed head's last) is passed over.
std::vector<record::JournalEntry> read_journal(const std::filesystem::path& file);

}  // namespace voxflow::engine
