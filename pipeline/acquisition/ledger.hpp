// What has been imported from which files: <project>/imports.jsonl, append-only. It only saves work: an import without
// it reads the files again and finds their content in the archive.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/interop/import.hpp"

namespace voxflow::acquisition {

/// A file as it stood when it was read.
struct FileState {
  std::string path;
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  friend bool operator==(const FileState&, const FileState&) = default;
};
/// Throws SystemError where the file cannot be looked at.
FileState state_of(const std::filesystem::path& file);

struct LedgerEntry {
  std::vector<FileState> files;
  std::string artifact;    // folder relative to the archive, or
  std::string quarantine;  // id of the record in quarantine
};

/// Thread-safe; several processes may append at once.
class Ledger {
 public:
  /// Reads what is there; lines that were cut short are passed over. Throws SystemError.
  Ledger(const archive::Archive& archive, const std::string& project);
  /// What came of the same request, where none of its files has changed since.
  std::optional<LedgerEntry> find(const std::string& request_id) const;
  /// Throws SystemError, DiskFullError.
  void append(const std::string& request_id, const LedgerEntry& entry);

 private:
  std::filesystem::path file_;
  mutable std::mutex lock_;
  std::map<std::string, LedgerEntry> last_;
};

/// Equal for requests that ask the same of the same paths on the same terms: the mask's digest, whether files are kept.
std::string request_id(const interop::ImportRequest& request, const std::string& terms);

}  // namespace voxflow::acquisition
