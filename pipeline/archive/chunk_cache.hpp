// Decoded chunks used last, within a limit of bytes; private to this room.
#pragma once
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace voxflow::archive {

/// Thread-safe; chunks stay alive for those who hold them.
class ChunkCache {
 public:
  using Voxels = std::shared_ptr<const std::byte[]>;

  explicit ChunkCache(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// Nothing when `number` is not held.
  Voxels find(std::size_t number) {
    const std::lock_guard lock(mutex_);
    const auto at = places_.find(number);
    if (at == places_.end()) return nullptr;
    order_.splice(order_.begin(), order_, at->second);
    return at->second->voxels;
  }

  void add(std::size_t number, Voxels voxels, std::size_t size_bytes) {
    const std::lock_guard lock(mutex_);
    if (places_.contains(number)) return;
    order_.push_front({number, std::move(voxels), size_bytes});
    places_[number] = order_.begin();
    held_bytes_ += size_bytes;
    while (held_bytes_ > limit_bytes_ && order_.size() > 1) {
      held_bytes_ -= order_.back().size_bytes;
      places_.erase(order_.back().number);
      order_.pop_back();
    }
  }

 private:
  struct Entry {
    std::size_t number;
    Voxels voxels;
    std::size_t size_bytes;
  };
  const std::size_t limit_bytes_;
  std::mutex mutex_;
  std::list<Entry> order_;  // used last first
  std::unordered_map<std::size_t, std::list<Entry>::iterator> places_;
  std::size_t held_bytes_ = 0;
};

}  // namespace voxflow::archive
