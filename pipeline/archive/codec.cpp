// One chunk to and from its bytes on disk: byte shuffle, then a zlib stream that every stock HDF5 reads.
#include <cstring>

#include <fmt/format.h>

#include "pipeline/archive/chunks.hpp"
#include "pipeline/archive/deflate.hpp"
#include "pipeline/archive/scratch.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::archive {

namespace {
/// The element's bits; voxels may lie at any address.
template <class Bits>
Bits load(const void* voxels, std::size_t i) {
  Bits v;
  std::memcpy(&v, static_cast<const std::uint8_t*>(voxels) + i * sizeof(Bits), sizeof(Bits));
  return v;
}

/// Writes byte k of every element to plane k of `planes`, for the `Stored` low bytes of each.
template <class Bits, std::size_t Stored>
void shuffle(const void* voxels, std::size_t n, std::uint8_t* planes) {
  for (std::size_t i = 0; i < n; ++i) {
    const Bits v = load<Bits>(voxels, i);
    for (std::size_t k = 0; k < Stored; ++k) planes[k * n + i] = static_cast<std::uint8_t>(v >> (8 * k));
  }
}

/// Inverse of shuffle for `count` elements from `first` on; bytes that were not stored become 0.
template <class Bits, std::size_t Stored>
void unshuffle(const std::uint8_t* planes, std::size_t n, std::size_t first, std::size_t count, void* voxels) {
  for (std::size_t i = 0; i < count; ++i) {
    Bits v = 0;
    for (std::size_t k = 0; k < Stored; ++k)
      v = static_cast<Bits>(v | static_cast<Bits>(planes[k * n + first + i]) << (8 * k));
    std::memcpy(static_cast<std::uint8_t*>(voxels) + i * sizeof(Bits), &v, sizeof(Bits));
  }
}

void check_types(DType dtype, DType storage) {
  if (dtype == storage || (dtype == DType::uint32 && storage == DType::uint16)) return;
  throw InternalError(fmt::format("voxels of type {} cannot be stored as {}", to_string(dtype), to_string(storage)));
}

void check_labels_fit(const void* voxels, std::size_t n) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < n; ++i) bits |= load<std::uint32_t>(voxels, i);
  if (bits > 0xffff) throw InternalError("labels above 65535 cannot be stored as uint16");
}

void shuffle_as(const void* voxels, std::size_t n, DType dtype, DType storage, std::uint8_t* planes) {
  if (size_bytes(dtype) == 2) return shuffle<std::uint16_t, 2>(voxels, n, planes);
  if (size_bytes(storage) == 4) return shuffle<std::uint32_t, 4>(voxels, n, planes);
  check_labels_fit(voxels, n);
  shuffle<std::uint32_t, 2>(voxels, n, planes);
}

/// What unshuffles these voxels; their number is that of the whole chunk.
auto unshuffle_of(DType storage, DType dtype) {
  if (size_bytes(storage) == 1) return unshuffle<std::uint8_t, 1>;
  if (size_bytes(dtype) == 2) return unshuffle<std::uint16_t, 2>;
  return size_bytes(storage) == 4 ? unshuffle<std::uint32_t, 4> : unshuffle<std::uint32_t, 2>;
}

/// Where this thread shuffles and unshuffles.
std::uint8_t* planes_scratch(std::size_t size) {
  thread_local Scratch scratch;
  return scratch.get(size);
}

}  // namespace

std::size_t codec_bytes(const Index3& chunk, DType dtype) {
  constexpr std::size_t kChunks = 3;  // its byte planes, stored as they are read, and as they are made
  constexpr std::size_t kTables = std::size_t{1} << 19;  // of igzip, libdeflate and the runs of a block
  return kChunks * static_cast<std::size_t>(count(chunk)) * size_bytes(dtype) + kTables;
}

EncodedChunk encode_chunk(const void* voxels, std::size_t chunk_voxels, DType dtype, DType storage) {
  check_types(dtype, storage);
  EncodedChunk encoded{sha256(voxels, chunk_voxels * size_bytes(dtype)), {}};
  const std::size_t stored_bytes = chunk_voxels * size_bytes(storage);
  const auto* planes = static_cast<const std::uint8_t*>(voxels);
  if (size_bytes(storage) > 1) {
    std::uint8_t* const buffer = planes_scratch(stored_bytes);
    shuffle_as(voxels, chunk_voxels, dtype, storage, buffer);
    planes = buffer;
  }
  encoded.bytes = deflate(planes, stored_bytes);
  return encoded;
}

void decode_chunk(const std::uint8_t* bytes, std::size_t size, std::size_t chunk_voxels, DType storage, DType dtype,
                  void* voxels) {
  const Index3 row{1, 1, static_cast<Index>(chunk_voxels)};
  decode_part({bytes, size}, row, storage, dtype, {{0, 0, 0}, row}, voxels, row);
}

void decode_part(std::span<const std::uint8_t> bytes, const Index3& chunk, DType storage, DType dtype, const Box3& part,
                 void* to, const Index3& stride) {
  check_types(dtype, storage);
  const auto chunk_voxels = static_cast<std::size_t>(count(chunk));
  std::uint8_t* const planes = planes_scratch(chunk_voxels * size_bytes(storage));
  inflate(bytes.data(), bytes.size(), planes, chunk_voxels * size_bytes(storage));
  const auto unshuffle_row = unshuffle_of(storage, dtype);
  for (Index z = 0; z < part.extent[kZ]; ++z)
    for (Index y = 0; y < part.extent[kY]; ++y) {
      const Index row = ((part.origin[kZ] + z) * chunk[kY] + part.origin[kY] + y) * chunk[kX] + part.origin[kX];
      const Index at = z * stride[kZ] + y * stride[kY];
      unshuffle_row(planes, chunk_voxels, static_cast<std::size_t>(row), static_cast<std::size_t>(part.extent[kX]),
                    static_cast<std::byte*>(to) + at * static_cast<Index>(size_bytes(dtype)));
    }
}

}  // namespace voxflow::archive
