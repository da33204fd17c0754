#include "pipeline/archive/deflate.hpp"

#include <memory>
#include <optional>

#include <fmt/format.h>
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>

#include "pipeline/core/error.hpp"

namespace voxflow::archive {

namespace {
template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Compressor = std::unique_ptr<libdeflate_compressor, Deleter<libdeflate_free_compressor>>;
using Decompressor = std::unique_ptr<libdeflate_decompressor, Deleter<libdeflate_free_decompressor>>;

/// Bytes written to `to`, or nothing when igzip declines.
std::optional<std::size_t> deflate_fast(const std::uint8_t* from, std::size_t size, std::vector<std::uint8_t>& to) {
  thread_local std::vector<std::uint8_t> level_buffer(ISAL_DEF_LVL1_DEFAULT);
  if (size > UINT32_MAX || to.size() > UINT32_MAX) return std::nullopt;
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.level = 1;
  stream.level_buf = level_buffer.data();
  stream.level_buf_size = static_cast<std::uint32_t>(level_buffer.size());
  stream.gzip_flag = IGZIP_ZLIB;
  stream.end_of_stream = 1;
  stream.next_in = const_cast<std::uint8_t*>(from);
  stream.avail_in = static_cast<std::uint32_t>(size);
  stream.next_out = to.data();
  stream.avail_out = static_cast<std::uint32_t>(to.size());
  if (isal_deflate_stateless(&stream) != COMP_OK || stream.avail_in != 0) return std::nullopt;
  return stream.total_out;
}
}  // namespace

std::vector<std::uint8_t> deflate(const std::uint8_t* from, std::size_t size) {
  thread_local const Compressor compressor(libdeflate_alloc_compressor(1));
  if (!compressor) throw OutOfMemoryError("not enough memory for a compressor");
  std::vector<std::uint8_t> bytes(libdeflate_zlib_compress_bound(compressor.get(), size));
  auto written = deflate_fast(from, size, bytes);
  if (!written) written = libdeflate_zlib_compress(compressor.get(), from, size, bytes.data(), bytes.size());
  if (*written == 0) throw InternalError("bytes do not fit the compressor's own bound");
  bytes.resize(*written);
  return bytes;
}

void inflate(const std::uint8_t* from, std::size_t size, void* to, std::size_t to_size) {
  thread_local const Decompressor decompressor(libdeflate_alloc_decompressor());
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
