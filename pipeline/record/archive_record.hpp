// The file archive.json that makes a folder the root of an archive.
#pragma once
#include <string>
#include <string_view>

namespace voxflow::record {

inline constexpr const char* kArchiveRecordName = "archive.json";

struct ArchiveRecord {
  std::string software;     // that created it, "voxflow 0.1.0"
  std::string created;      // UTC
  bool fletcher32 = false;  // the chunks of its images have this checksum
  std::string to_json() const;
  /// Throws UserError when `text` is not the record of an archive, or is that of a newer format.
  static ArchiveRecord from_json(std::string_view text);
  friend bool operator==(const ArchiveRecord&, const ArchiveRecord&) = default;
};

}  // namespace voxflow::record
