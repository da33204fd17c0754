#include "pipeline/interop/tiff_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <vector>

#include "pipeline/core/error.hpp"
#include "pipeline/interop/tiff_handle.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr Index kMostVoxelsOfAPage = Index{1} << 31;
// No lossless compression makes more of a byte (LZW at most 2730); a page that claims more is damaged.
constexpr std::uint64_t kMostExpansion = 4096;
constexpr const char* kReadable = "8- and 16-bit integers and 32-bit floats can be imported";

std::size_t size_bytes(SampleType t) {
  return t == SampleType::float32 ? 4 : t == SampleType::uint16 || t == SampleType::int16 ? 2 : 1;
}

std::optional<SampleType> sample_type(unsigned bits, unsigned format) {
  if (format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID) {
    if (bits == 8) return SampleType::uint8;
    if (bits == 16) return SampleType::uint16;
  }
  if (format == SAMPLEFORMAT_INT) {
    if (bits == 8) return SampleType::int8;
    if (bits == 16) return SampleType::int16;
  }
  if (format == SAMPLEFORMAT_IEEEFP && bits == 32) return SampleType::float32;
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

template <class From>
void widen(const std::vector<unsigned char>& raw, float* to) {
  for (std::size_t i = 0; i < raw.size() / sizeof(From); ++i) {
    From v;
    std::memcpy(&v, raw.data() + i * sizeof(From), sizeof v);
    to[i] = static_cast<float>(v);
  }
}
}  // namespace

std::string_view to_string(SampleType t) {
  switch (t) {
    case SampleType::uint8:
      return "uint8";
    case SampleType::uint16:
      return "uint16";
    case SampleType::int8:
      return "int8";
    case SampleType::int16:
      return "int16";
    default:
      return "float32";
  }
}

DType stored_dtype(SampleType t) {
  return t == SampleType::uint8 ? DType::uint8 : t == SampleType::uint16 ? DType::uint16 : DType::float32;
}

struct TiffFile::Impl {
  struct Page {
    PageInfo info;
    std::uint64_t offset = 0;
  };
  fs::path file;
  TiffMessages messages;
  TiffHandle tiff;
  std::vector<Page> pages;
  std::string description;
  std::optional<double> x_resolution, y_resolution;

  [[noreturn]] void fail(int page, const std::string& what) const {
    throw UserError(fmt::format("'{}', page {}: {}", file.string(), page + 1, what));
  }
  std::string reason() const { return messages.last_error.empty() ? "" : " (" + messages.last_error + ")"; }

  void open() {
    // "m": no memory mapping, so that a file cut off while it is read is an error and not a signal.
    if (!tiff) tiff = open_tiff(file, "rm", messages);
    if (!tiff)
      throw UserError(
          fmt::format("'{}' cannot be read as a TIFF{}; give a TIFF or OME-TIFF file", file.string(), reason()));
  }

  void read_first_page_tags() {
    const char* text = nullptr;
    if (TIFFGetField(tiff.get(), TIFFTAG_IMAGEDESCRIPTION, &text) == 1 && text != nullptr) description = text;
    const auto resolution = [this](std::uint32_t tag) -> std::optional<double> {
      float v = 0;
      if (TIFFGetField(tiff.get(), tag, &v) != 1 || !(v > 0) || !std::isfinite(v)) return std::nullopt;
      return v;
    };
    x_resolution = resolution(TIFFTAG_XRESOLUTION);
    y_resolution = resolution(TIFFTAG_YRESOLUTION);
  }

  void add_page(bool imagej) {
    Page page;
    page.offset = TIFFCurrentDirOffset(tiff.get());
    page.info.height = tag_or_default<std::uint32_t>(tiff.get(), TIFFTAG_IMAGELENGTH, 0);
    page.info.width = tag_or_default<std::uint32_t>(tiff.get(), TIFFTAG_IMAGEWIDTH, 0);
    page.info.refused = refusal(tiff.get(), page.info, imagej);
    if (page.info.refused.empty())
      page.info.type = *sample_type(tag_or_default<std::uint16_t>(tiff.get(), TIFFTAG_BITSPERSAMPLE, 1),
                                    tag_or_default<std::uint16_t>(tiff.get(), TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT));
    if (page.info.refused.empty() && claims_too_much(page.info))
      page.info.refused =
          fmt::format("is said to hold {} x {} voxels, more than the file can; copy it again from its source",
                      page.info.height, page.info.width);
    pages.push_back(std::move(page));
  }

  bool claims_too_much(const PageInfo& page) const {
    const auto plain =
        tag_or_default<std::uint16_t>(tiff.get(), TIFFTAG_COMPRESSION, COMPRESSION_NONE) == COMPRESSION_NONE;
    const auto bytes = static_cast<std::uint64_t>(page.height * page.width) * interop::size_bytes(page.type);
    return bytes / (plain ? 1 : kMostExpansion) > fs::file_size(file);
  }

  void read_directories() {
    read_first_page_tags();
    const bool imagej = description.starts_with("ImageJ=");
    add_page(imagej);
    while (TIFFLastDirectory(tiff.get()) == 0) {
      messages.last_error.clear();
      if (TIFFReadDirectory(tiff.get()) != 1)
        fail(static_cast<int>(pages.size()),
             "its directory is damaged or cut off" + reason() + "; copy the file again from its source");
      add_page(imagej);
    }
    check_end_of_last_directory();
  }

  /// libtiff takes a file that ends within the offset of the next directory for one that has no next directory.
  void check_end_of_last_directory() {
    const bool big = TIFFIsBigTIFF(tiff.get()) != 0, swapped = TIFFIsBigEndian(tiff.get()) != 0;
    const std::size_t number_bytes = big ? 8 : 2;
    std::ifstream in(file, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(pages.back().offset));
    std::uint64_t entries = 0;
    for (std::size_t i = 0; i < number_bytes; ++i)
      entries |= static_cast<std::uint64_t>(in.get() & 0xff) << (8 * (swapped ? number_bytes - 1 - i : i));
    const std::uint64_t end = pages.back().offset + number_bytes + entries * (big ? 20 : 12) + (big ? 8 : 4);
    if (!in || end > fs::file_size(file))
      fail(static_cast<int>(pages.size()) - 1, "its directory is cut off; copy the file again from its source");
  }

  void read_strips(const PageInfo& page, unsigned char* to) {
    auto rows = static_cast<Index>(tag_or_default<std::uint32_t>(tiff.get(), TIFFTAG_ROWSPERSTRIP, 0xffffffffU));
    rows = std::clamp<Index>(rows, 1, page.height);
    const auto row_bytes = page.width * static_cast<Index>(interop::size_bytes(page.type));
    std::uint32_t strip = 0;
    for (Index y = 0; y < page.height; y += rows, ++strip) {
      const Index wanted = std::min(rows, page.height - y) * row_bytes;
      if (TIFFReadEncodedStrip(tiff.get(), strip, to + y * row_bytes, wanted) != wanted) throw_damaged();
    }
  }

  void read_tiles(const PageInfo& page, unsigned char* to) {
    const auto voxel_bytes = static_cast<Index>(interop::size_bytes(page.type));
    const auto th = static_cast<Index>(tag_or_default<std::uint32_t>(tiff.get(), TIFFTAG_TILELENGTH, 0));
    const auto tw = static_cast<Index>(tag_or_default<std::uint32_t>(tiff.get(), TIFFTAG_TILEWIDTH, 0));
    const auto tile_bytes = static_cast<Index>(TIFFTileSize(tiff.get()));
    if (th < 1 || tw < 1 || tile_bytes != th * tw * voxel_bytes || tile_bytes > kMostVoxelsOfAPage * 4) throw_damaged();
    std::vector<unsigned char> tile(static_cast<std::size_t>(tile_bytes));
    for (Index y = 0; y < page.height; y += th)
      for (Index x = 0; x < page.width; x += tw) {
        if (TIFFReadTile(tiff.get(), tile.data(), static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y), 0, 0) !=
            tile_bytes)
          throw_damaged();
        const auto wide = static_cast<std::size_t>(std::min(tw, page.width - x) * voxel_bytes);
        for (Index r = 0; r < std::min(th, page.height - y); ++r)
          std::memcpy(to + ((y + r) * page.width + x) * voxel_bytes, tile.data() + r * tw * voxel_bytes, wide);
      }
  }

  struct Damaged {};
  [[noreturn]] static void throw_damaged() { throw Damaged{}; }

  void read(int page, unsigned char* to) {
    const Page& p = pages[static_cast<std::size_t>(page)];
    open();
    messages.last_error.clear();
    try {
      if (TIFFSetSubDirectory(tiff.get(), p.offset) != 1) throw_damaged();
      if (TIFFIsTiled(tiff.get()) != 0)
        read_tiles(p.info, to);
      else
        read_strips(p.info, to);
    } catch (const Damaged&) {
      fail(page, "its voxels are damaged or cut off" + reason() + "; copy the file again from its source");
    }
  }
};

TiffFile::TiffFile(const fs::path& file) : impl_(std::make_unique<Impl>()) {
  impl_->file = file;
  std::error_code error;
  if (!fs::is_regular_file(file, error)) throw UserError(fmt::format("there is no file '{}'", file.string()));
  impl_->open();
  impl_->read_directories();
  close();
}

void TiffFile::close() {
  impl_->tiff.reset();
}

TiffFile::~TiffFile() = default;
TiffFile::TiffFile(TiffFile&&) noexcept = default;
TiffFile& TiffFile::operator=(TiffFile&&) noexcept = default;

const fs::path& TiffFile::path() const {
  return impl_->file;
}

int TiffFile::page_count() const {
  return static_cast<int>(impl_->pages.size());
}

const PageInfo& TiffFile::page(int page) const {
  const PageInfo& info = impl_->pages.at(static_cast<std::size_t>(page)).info;
  if (!info.refused.empty()) impl_->fail(page, "it " + info.refused);
  return info;
}

const std::string& TiffFile::description() const {
  return impl_->description;
}

std::optional<double> TiffFile::x_resolution() const {
  return impl_->x_resolution;
}

std::optional<double> TiffFile::y_resolution() const {
  return impl_->y_resolution;
}

void TiffFile::read_page(int page, void* voxels) {
  const PageInfo& info = this->page(page);
  if (info.type != SampleType::int8 && info.type != SampleType::int16)
    return impl_->read(page, static_cast<unsigned char*>(voxels));
  std::vector<unsigned char> raw(static_cast<std::size_t>(info.height * info.width) * size_bytes(info.type));
  impl_->read(page, raw.data());
  if (info.type == SampleType::int8)
    widen<std::int8_t>(raw, static_cast<float*>(voxels));
  else
    widen<std::int16_t>(raw, static_cast<float*>(voxels));
}

}  // namespace voxflow::interop
