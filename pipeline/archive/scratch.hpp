// Memory that a thread keeps for its work on chunks; private to this room.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace voxflow::archive {

/// Grows to what was asked for and stays.
class Scratch {
 public:
  /// Contents are not kept from one call to the next.
  std::uint8_t* get(std::size_t size) {
    if (held_ < size) bytes_ = std::make_unique_for_overwrite<std::uint8_t[]>(size), held_ = size;
    return bytes_.get();
  }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t held_ = 0;
};

}  // namespace voxflow::archive
