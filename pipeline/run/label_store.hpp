// Labels between the pass that makes them and the pass that writes them: their numbers and their voxel type on disk are
// known only when every block is done.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace voxflow::run {

/// Byte strings in a file without a name, gone with the process. Thread-safe.
class SpillFile {
 public:
  SpillFile() = default;
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;
  /// Keeps `bytes` under `number`. Throws DiskFullError, SystemError.
  void put(std::size_t number, const std::string& bytes);
  /// What was put under `number`. Throws InternalError when there is nothing, SystemError.
  std::string get(std::size_t number) const;

 private:
  struct Place {
    std::int64_t offset = 0;
    std::size_t size_bytes = 0;
  };
  mutable std::mutex mutex_;
  int file_ = -1;
  std::int64_t end_ = 0;
  std::map<std::size_t, Place> places_;
};

/// The labels that occur in some volumes, without the background. Thread-safe.
class LabelsSeen {
 public:
  void add(std::size_t volume, std::span<const std::uint32_t> labels);
  /// Adds what another rank saw.
  void merge(const std::string& bytes);
  std::string encode() const;
  std::uint32_t largest() const;
  /// Objects of all volumes together.
  std::uint64_t objects() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::size_t, std::set<std::uint32_t>> labels_;
};

}  // namespace voxflow::run
