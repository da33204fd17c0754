#include "pipeline/interop/tiff_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace voxflow::interop {

namespace {
constexpr Index kMostVoxelsOfAPage = Index{1} << 31;
// No lossless compression makes more of a byte (LZW at most 2730); a page that claims more is damaged.
constexpr std::uint64_t kMostExpansion = 4096;
constexpr const char* kReadable = "8-, 16- and 32-bit integers and 32- and 64-bit floats can be imported";

std::optional<SampleType> sample_type(unsigned bits, unsigned format) {
  if (format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID) {
    if (bits == 8) return SampleType::uint8;
    if (bits == 16) return SampleType::uint16;
    if (bits == 32) return SampleType::uint32;
  }
  if (format == SAMPLEFORMAT_INT) {
    if (bits == 8) return SampleType::int8;
    if (bits == 16) return SampleType::int16;
    if (bits == 32) return SampleType::int32;
  }
  if (format == SAMPLEFORMAT_IEEEFP && bits == 32) return SampleType::float32;
  if (format == SAMPLEFORMAT_IEEEFP && bits == 64) return SampleType::float64;
  return std::nullopt;
}

std::string_view format_name(unsigned format) {
  switch (format) {
    case SAMPLEFORMAT_INT:
      return "signed integers";
    case SAMPLEFORMAT_IEEEFP:
      return "floats";
    case SAMPLEFORMAT_COMPLEXINT:
    case SAMPLEFORMAT_COMPLEXIEEEFP:
      return "complex numbers";
    default:
      return "unsigned integers";
  }
}

template <class T>
T tag_or_default(TIFF* tiff, std::uint32_t tag, T fallback) {
  T value{};
  return TIFFGetFieldDefaulted(tiff, tag, &value) == 1 ? value : fallback;
}

/// Why the voxels of the current page cannot be read, "" when they can.
std::string refusal(TIFF* tiff, const PageInfo& page, bool imagej) {
  const auto samples = tag_or_default<std::uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  const auto bits = tag_or_default<std::uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 1);
  const auto format = tag_or_default<std::uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  const auto photometric = tag_or_default<std::uint16_t>(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  const auto compression = tag_or_default<std::uint16_t>(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  const auto orientation = tag_or_default<std::uint16_t>(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  if (page.height < 1 || page.width < 1 || page.height > kMostVoxelsOfAPage / page.width)
    return fmt::format("is {} x {} voxels; a page holds 1 to {} voxels", page.height, page.width, kMostVoxelsOfAPage);
  if (samples != 1)
    return fmt::format("has {} samples a voxel (a colour picture); split it into channels first, one page a channel",
                       samples);
  if (!sample_type(bits, format))
    return fmt::format("holds {}-bit {}; {}: convert it first", bits, format_name(format), kReadable);
  if (photometric == PHOTOMETRIC_MINISWHITE && !imagej)
    return "says that 0 is white; invert it first, so that 0 is dark";
  if (photometric > PHOTOMETRIC_MINISBLACK && photometric != PHOTOMETRIC_PALETTE)
    return fmt::format("is a colour picture (photometric interpretation {}); split it into channels first",
                       photometric);
  if (orientation > ORIENTATION_TOPLEFT)
    return fmt::format("is stored turned or mirrored (orientation {}); save it with the first row on top", orientation);
  if (TIFFIsCODECConfigured(compression) == 0)
    return fmt::format("is compressed by method {}, which cannot be read; save it uncompressed, or with deflate or LZW",
                       compression);
  return "";
}

bool claims_too_much(TIFF* tiff, const PageInfo& page, std::uint64_t file_bytes) {
  const auto plain = tag_or_default<std::uint16_t>(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE) == COMPRESSION_NONE;
  const auto bytes = static_cast<std::uint64_t>(page.height * page.width) * size_bytes(page.type);
  return bytes / (plain ? 1 : kMostExpansion) > file_bytes;
}

void read_strips(TIFF* tiff, const PageInfo& page, unsigned char* to) {
  auto rows = static_cast<Index>(tag_or_default<std::uint32_t>(tiff, TIFFTAG_ROWSPERSTRIP, 0xffffffffU));
  rows = std::clamp<Index>(rows, 1, page.height);
  const auto row_bytes = page.width * static_cast<Index>(size_bytes(page.type));
  std::uint32_t strip = 0;
  for (Index y = 0; y < page.height; y += rows, ++strip) {
    const Index wanted = std::min(rows, page.height - y) * row_bytes;
    if (TIFFReadEncodedStrip(tiff, strip, to + y * row_bytes, wanted) != wanted) throw DamagedPage{};
  }
}

void read_tiles(TIFF* tiff, const PageInfo& page, unsigned char* to) {
  const auto voxel_bytes = static_cast<Index>(size_bytes(page.type));
  const auto th = static_cast<Index>(tag_or_default<std::uint32_t>(tiff, TIFFTAG_TILELENGTH, 0));
  const auto tw = static_cast<Index>(tag_or_default<std::uint32_t>(tiff, TIFFTAG_TILEWIDTH, 0));
  const auto tile_bytes = static_cast<Index>(TIFFTileSize(tiff));
  if (th < 1 || tw < 1 || tile_bytes != th * tw * voxel_bytes || tile_bytes > kMostVoxelsOfAPage * 4)
    throw DamagedPage{};
  std::vector<unsigned char> tile(static_cast<std::size_t>(tile_bytes));
  for (Index y = 0; y < page.height; y += th)
    for (Index x = 0; x < page.width; x += tw) {
      if (TIFFReadTile(tiff, tile.data(), static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y), 0, 0) !=
          tile_bytes)
        throw DamagedPage{};
      const auto wide = static_cast<std::size_t>(std::min(tw, page.width - x) * voxel_bytes);
      for (Index r = 0; r < std::min(th, page.height - y); ++r)
        std::memcpy(to + ((y + r) * page.width + x) * voxel_bytes, tile.data() + r * tw * voxel_bytes, wide);
    }
}
}  // namespace

PageInfo describe_page(TIFF* tiff, bool imagej, std::uint64_t file_bytes) {
  PageInfo page;
  page.height = tag_or_default<std::uint32_t>(tiff, TIFFTAG_IMAGELENGTH, 0);
  page.width = tag_or_default<std::uint32_t>(tiff, TIFFTAG_IMAGEWIDTH, 0);
  page.refused = refusal(tiff, page, imagej);
  if (!page.refused.empty()) return page;
  page.type = *sample_type(tag_or_default<std::uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 1),
                           tag_or_default<std::uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT));
  if (claims_too_much(tiff, page, file_bytes))
    page.refused = fmt::format("is said to hold {} x {} voxels, more than the file can; copy it again from its source",
                               page.height, page.width);
  return page;
}

void read_voxels(TIFF* tiff, const PageInfo& page, unsigned char* to) {
  if (TIFFIsTiled(tiff) != 0)
    read_tiles(tiff, page, to);
  else
    read_strips(tiff, page, to);
}

}  // namespace voxflow::interop
