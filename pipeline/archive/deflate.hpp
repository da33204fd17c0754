// Bytes to and from zlib streams, fast. Thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace voxflow::archive {

/// A zlib stream of the bytes.
std::vector<std::uint8_t> deflate(const std::uint8_t* from, std::size_t size);

/// Inverse of deflate, for exactly `to_size` bytes. Throws SystemError when the stream is damaged or of another length.
void inflate(const std::uint8_t* from, std::size_t size, void* to, std::size_t to_size);

}  // namespace voxflow::archive
