// The last few things that were costly to make.
#pragma once
#include <algorithm>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

namespace voxflow::shared {

/// Keeps the `capacity` values that were asked for last. Thread-safe; values are made one at a time.
template <class Key, class Value>
class Recent {
 public:
  explicit Recent(std::size_t capacity) : capacity_(capacity) {}

  /// The value of `key`, else what `make()`, a shared pointer, returns. The oldest one is dropped before.
  template <class Make>
  std::shared_ptr<const Value> get(const Key& key, const Make& make) {
    const std::lock_guard lock(mutex_);
    const auto at = std::find_if(kept_.begin(), kept_.end(), [&](const auto& entry) { return entry.first == key; });
    if (at != kept_.end()) {
      kept_.splice(kept_.begin(), kept_, at);
    } else {
      if (kept_.size() == capacity_) kept_.pop_back();
      kept_.emplace_front(key, make());
    }
    return kept_.front().second;
  }
  /// Drops the values of which that is so.
  template <class Predicate>
  void drop_if(const Predicate& predicate) {
    const std::lock_guard lock(mutex_);
    kept_.remove_if([&](const auto& entry) { return predicate(*entry.second); });
  }

 private:
  std::size_t capacity_;
  std::mutex mutex_;
  std::list<std::pair<Key, std::shared_ptr<const Value>>> kept_;
};

}  // namespace voxflow::shared
