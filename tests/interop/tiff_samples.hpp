// TIFF files of every shape for tests, written with libtiff itself and not with the room under test.
#pragma once
#include <tiffio.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace voxflow::test {

/// How a sample is written; libtiff's own numbers.
struct TiffStyle {
  std::string description;
  std::string mode = "w";  // "wb": big endian; "w8": BigTIFF
  int compression = COMPRESSION_NONE;
  int predictor = 0;
  int samples = 1, photometric = PHOTOMETRIC_MINISBLACK, orientation = 0;
  std::uint32_t rows_per_strip = 0;  // 0: all
  std::uint32_t tile = 0;            // edge of tiles; 0: strips
  std::optional<double> x_resolution, y_resolution;
};

/// One page of `T`, row by row.
template <class T>
struct Page {
  std::uint32_t height = 0, width = 0;
  std::vector<T> voxels;
};

template <class T>
void append_page(TIFF* tiff, const Page<T>& page, const TiffStyle& style, bool first) {
  const int format = std::is_floating_point_v<T> ? SAMPLEFORMAT_IEEEFP
                     : std::is_signed_v<T>       ? SAMPLEFORMAT_INT
                                                 : SAMPLEFORMAT_UINT;
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, page.width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, page.height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, static_cast<int>(8 * sizeof(T)));
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, format);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, style.samples);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, style.photometric);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, style.compression);
  if (style.predictor != 0) TIFFSetField(tiff, TIFFTAG_PREDICTOR, style.predictor);
  if (style.orientation != 0) TIFFSetField(tiff, TIFFTAG_ORIENTATION, style.orientation);
  if (style.x_resolution) TIFFSetField(tiff, TIFFTAG_XRESOLUTION, *style.x_resolution);
  if (style.y_resolution) TIFFSetField(tiff, TIFFTAG_YRESOLUTION, *style.y_resolution);
  if (first && !style.description.empty()) TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, style.description.c_str());
  if (style.photometric == PHOTOMETRIC_PALETTE) {
    std::vector<std::uint16_t> ramp(256);
    for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<std::uint16_t>(257 * (255 - i));
    TIFFSetField(tiff, TIFFTAG_COLORMAP, ramp.data(), ramp.data(), ramp.data());
  }
  // libtiff may swap or difference the bytes in place.
  std::vector<T> voxels = page.voxels;
  const std::size_t row = static_cast<std::size_t>(page.width) * static_cast<std::size_t>(style.samples);
  if (style.tile > 0) {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, style.tile);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, style.tile);
    for (std::uint32_t y = 0; y < page.height; y += style.tile)
      for (std::uint32_t x = 0; x < page.width; x += style.tile) {
        std::vector<T> tile(static_cast<std::size_t>(style.tile) * style.tile);
        for (std::uint32_t v = 0; v < style.tile && y + v < page.height; ++v)
          for (std::uint32_t u = 0; u < style.tile && x + u < page.width; ++u)
            tile[static_cast<std::size_t>(v) * style.tile + u] = voxels[(y + v) * row + x + u];
        TIFFWriteTile(tiff, tile.data(), x, y, 0, 0);
      }
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, style.rows_per_strip > 0 ? style.rows_per_strip : page.height);
    for (std::uint32_t y = 0; y < page.height; ++y) TIFFWriteScanline(tiff, voxels.data() + y * row, y, 0);
  }
  TIFFWriteDirectory(tiff);
}

/// Opens a sample for writing; closed by the returned handle.
inline std::unique_ptr<TIFF, void (*)(TIFF*)> open_sample(const std::filesystem::path& file, const TiffStyle& style) {
  TIFFSetWarningHandler(nullptr);
  TIFF* tiff = TIFFOpen(file.c_str(), style.mode.c_str());
  if (tiff == nullptr) throw std::runtime_error("cannot write " + file.string());
  return {tiff, TIFFClose};
}

template <class T>
void write_sample(const std::filesystem::path& file, const std::vector<Page<T>>& pages, const TiffStyle& style = {}) {
  const auto tiff = open_sample(file, style);
  for (std::size_t i = 0; i < pages.size(); ++i) append_page(tiff.get(), pages[i], style, i == 0);
}

/// Page `number` of a stack; every voxel says where it is: 1000 * page + 10 * y + x, within what T holds.
template <class T>
Page<T> numbered_page(int number, std::uint32_t height, std::uint32_t width) {
  Page<T> page{height, width, {}};
  for (std::uint32_t y = 0; y < height; ++y)
    for (std::uint32_t x = 0; x < width; ++x)
      page.voxels.push_back(static_cast<T>(1000 * number + static_cast<int>(10 * y + x)));
  return page;
}

template <class T>
std::vector<Page<T>> numbered_pages(int count, std::uint32_t height, std::uint32_t width) {
  std::vector<Page<T>> pages;
  for (int i = 0; i < count; ++i) pages.push_back(numbered_page<T>(i, height, width));
  return pages;
}

/// The text of the exception of type E that `f` throws; "" when it throws none.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "";
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace voxflow::test
