#include "pipeline/archive/deflate.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>

#include "pipeline/archive/run_blocks.hpp"
#include "pipeline/archive/scratch.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::archive {

namespace {
using Bytes = std::span<const std::uint8_t>;

// What one way of encoding is chosen for: a byte plane of a chunk, or its like.
constexpr std::size_t kPartBytes = 256 << 10, kSampleBytes = 8 << 10;
constexpr std::size_t kWorthwhile = 50;  // a search for repetitions must save that part
constexpr std::size_t kStreamHead = 2, kStreamEnd = 2 + 4, kAlignment = 5;

/// Adds deflate blocks with repetitions from anywhere in the last 32 KiB, whole bytes; false when igzip declines, as
/// it does when `room` is not enough, and nothing was added.
bool put_repetitions(Bytes bytes, std::size_t room, BitWriter& to) {
  thread_local std::vector<std::uint8_t> level_buffer(ISAL_DEF_LVL1_DEFAULT);
  if (bytes.size() > UINT32_MAX) return false;
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.level = 1;
  stream.level_buf = level_buffer.data();
  stream.level_buf_size = static_cast<std::uint32_t>(level_buffer.size());
  stream.flush = FULL_FLUSH;
  stream.next_in = const_cast<std::uint8_t*>(bytes.data());
  stream.avail_in = static_cast<std::uint32_t>(bytes.size());
  stream.next_out = to.place();
  stream.avail_out = static_cast<std::uint32_t>(std::min<std::size_t>(room, UINT32_MAX));
  if (isal_deflate_stateless(&stream) != COMP_OK || stream.avail_in != 0) return false;
  to.skip(stream.total_out);
  return true;
}

/// Whether repetitions make the middle of `bytes` smaller than runs do.
bool repetitions_pay(Bytes bytes) {
  const std::size_t size = std::min(bytes.size(), kSampleBytes);
  const Bytes sample = bytes.subspan((bytes.size() - size) / 2, size);
  std::array<std::uint8_t, run_blocks_bound(kSampleBytes)> room;
  BitWriter runs(room.data());
  put_run_blocks(sample, runs);
  const auto by_runs = static_cast<std::size_t>(runs.place() - room.data());
  BitWriter repetitions(room.data());
  return put_repetitions(sample, by_runs - by_runs / kWorthwhile, repetitions);
}

/// Adds a stretch of parts of one kind.
void put_stretch(Bytes bytes, bool repeats, std::size_t room, BitWriter& to) {
  if (repeats) {
    put_alignment(to);
    if (put_repetitions(bytes, room, to)) return;
  }
  put_run_blocks(bytes, to);
}

void put_stream(Bytes bytes, BitWriter& to) {
  constexpr std::uint64_t kZlibHead = 0x0178;  // deflate, a window of 32 KiB, fastest
  to.put(kZlibHead, 8 * kStreamHead);
  for (Bytes rest = bytes; !rest.empty();) {
    const auto part_at = [&](std::size_t from) { return rest.subspan(from, std::min(kPartBytes, rest.size() - from)); };
    const bool repeats = repetitions_pay(part_at(0));
    std::size_t size = part_at(0).size();
    while (size < rest.size() && repetitions_pay(part_at(size)) == repeats) size += part_at(size).size();
    put_stretch(rest.first(size), repeats, run_blocks_bound(size), to);
    rest = rest.subspan(size);
  }
  put_end(to);
  const std::uint32_t checksum = libdeflate_adler32(1, bytes.data(), bytes.size());
  for (int shift = 24; shift >= 0; shift -= 8) to.put(checksum >> shift & 0xff, 8);
}

std::size_t stream_bound(std::size_t size) {
  const std::size_t stretches = size / kPartBytes + 1;
  return kStreamHead + kStreamEnd + run_blocks_bound(size) + stretches * (kAlignment + run_blocks_bound(0));
}

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};
}  // namespace

std::vector<std::uint8_t> deflate(const std::uint8_t* from, std::size_t size) {
  thread_local Scratch scratch;
  const std::size_t bound = stream_bound(size);
  std::uint8_t* const room = scratch.get(bound);
  BitWriter stream(room);
  put_stream({from, size}, stream);
  std::vector<std::uint8_t> bytes;
  bytes.reserve(bound);  // memory of one size is found again; that of many sizes falls to pieces
  bytes.assign(room, stream.place());
  return bytes;
}

void inflate(const std::uint8_t* from, std::size_t size, void* to, std::size_t to_size) {
  thread_local const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(
      libdeflate_alloc_decompressor());
  if (!decompressor) throw OutOfMemoryError("not enough memory for a decompressor");
  switch (libdeflate_zlib_decompress(decompressor.get(), from, size, to, to_size, nullptr)) {
    case LIBDEFLATE_SUCCESS:
      return;
    case LIBDEFLATE_BAD_DATA:
      throw SystemError("the compressed bytes are damaged");
    default:
      throw SystemError(fmt::format("the compressed bytes do not hold {} bytes", to_size));
  }
}

}  // namespace voxflow::archive
