// Deflate blocks of single bytes and runs of one byte, for what a search for longer repetitions finds nothing in.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace voxflow::archive {

/// Writes bits, lowest first, to memory that is large enough.
class BitWriter {
 public:
  explicit BitWriter(std::uint8_t* to) : to_(to) {}

  /// Adds at most 48 bits.
  void put(std::uint64_t bits, unsigned count) {
    held_ |= bits << count_;
    count_ += count;
    std::memcpy(to_, &held_, sizeof(held_));  // x86-64 keeps the lowest byte first
    to_ += count_ / 8;
    held_ >>= count_ / 8 * 8;
    count_ %= 8;
  }
  /// Fills the last byte.
  void align() {
    if (count_ > 0) put(0, 8 - count_);
  }
  /// Where the next byte goes, once aligned.
  std::uint8_t* place() const { return to_; }
  /// Bytes were written there.
  void skip(std::size_t bytes) { to_ += bytes; }

 private:
  std::uint8_t* to_;
  std::uint64_t held_ = 0;
  unsigned count_ = 0;  // below 8 between calls
};

/// Bytes that `put_run_blocks` writes at most for `size` bytes, those that BitWriter touches beyond the last one
/// included.
constexpr std::size_t run_blocks_bound(std::size_t size) {
  constexpr std::size_t kStoredHead = 5, kMostStored = 0xffff, kTouched = 8;
  return size + kStoredHead * (2 * (size / kMostStored) + 2) + kTouched;
}

/// Adds blocks that hold `bytes`, none of them the stream's last. Equal for equal bytes on every machine.
void put_run_blocks(std::span<const std::uint8_t> bytes, BitWriter& to);

/// Adds an empty block, after which whole bytes follow.
void put_alignment(BitWriter& to);

/// Adds the empty block that ends a stream.
void put_end(BitWriter& to);

}  // namespace voxflow::archive
