// When each artifact was last held against its manifest, and what came out: <root>/verified.tsv, append-only.
#pragma once
#include <map>
#include <mutex>
#include <string>

#include "pipeline/archive/artifact.hpp"

namespace voxflow::archive {

struct Verification {
  std::string time;  // UTC, as format_time
  bool sound = false;
};

/// Thread-safe; several processes may append at once.
class VerificationLog {
 public:
  explicit VerificationLog(const Archive& archive) : file_(archive.root() / "verified.tsv") {}
  /// The last verification of each artifact; lines that were cut short are passed over. Throws SystemError.
  std::map<std::string, Verification> read() const;
  /// Throws SystemError, DiskFullError.
  void append(const std::string& artifact, const Verification& verification);

 private:
  std::filesystem::path file_;
  std::mutex mutex_;
};

}  // namespace voxflow::archive
