#include "pipeline/preview/png.hpp"

#include <csetjmp>
#include <cstdint>
#include <new>

#include <png.h>

#include "pipeline/core/error.hpp"

namespace voxflow::preview {

namespace {
constexpr int kCompression = 6;

/// libpng's state for one file; nothing may be thrown through it.
class Writer {
 public:
  Writer() : png_(png_create_write_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning)) {
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_write_struct(&png_, nullptr);
      throw OutOfMemoryError("there is not enough memory to write a PNG");
    }
    png_set_write_fn(png_, this, on_bytes, nullptr);
  }
  ~Writer() { png_destroy_write_struct(&png_, &info_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  std::string write(const Raster& picture, std::vector<png_text>& texts) {
    if (!write_all(picture, texts)) throw InternalError("PNG: " + problem_);
    return std::move(bytes_);
  }

 private:
  /// A longjmp ends here: no object with a destructor may live in it.
  bool write_all(const Raster& picture, std::vector<png_text>& texts) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(picture.width()), static_cast<png_uint_32>(picture.height()), 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png_, kCompression);
    png_set_text(png_, info_, texts.data(), static_cast<int>(texts.size()));
    png_write_info(png_, info_);
    for (Index y = 0; y < picture.height(); ++y)
      png_write_row(png_, reinterpret_cast<png_const_bytep>(&picture.at(y, 0)));
    png_write_end(png_, info_);
    return true;
  }

  static void on_error(png_structp png, png_const_charp message) {
    static_cast<Writer*>(png_get_error_ptr(png))->problem_ = message;
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}
  static void on_bytes(png_structp png, png_bytep bytes, std::size_t size) {
    try {
      static_cast<Writer*>(png_get_io_ptr(png))->bytes_.append(reinterpret_cast<const char*>(bytes), size);
      return;
    } catch (const std::bad_alloc&) {
    }
    png_error(png, "there is not enough memory");
  }

  png_structp png_;
  png_infop info_ = nullptr;
  std::string bytes_, problem_;
};

static_assert(sizeof(Rgb) == 3);
}  // namespace

std::string encode_png(const Raster& picture, const PngTexts& texts) {
  PngTexts held = texts;
  std::vector<png_text> entries;
  for (auto& [keyword, text] : held) {
    png_text entry{};
    entry.compression = PNG_ITXT_COMPRESSION_NONE;
    entry.key = keyword.data();
    entry.text = text.data();
    entry.itxt_length = text.size();
    entries.push_back(entry);
  }
  return Writer().write(picture, entries);
}

}  // namespace voxflow::preview
