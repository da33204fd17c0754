#include "pipeline/preview/text.hpp"

#include <freetype/freetype.h>

#include <cstdint>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/preview/font.hpp"

namespace voxflow::preview {

namespace {
constexpr int kFixed = 64;  // FreeType counts in 1/64 pixels
constexpr std::string_view kEllipsis = "\u2026";

void check(FT_Error error, const char* what) {
  if (error == FT_Err_Out_Of_Memory) throw OutOfMemoryError("there is not enough memory to draw text");
  if (error != 0) throw InternalError(fmt::format("FreeType cannot {} (error {})", what, error));
}

/// The code points of UTF-8; a byte that is none stands for itself.
std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> points;
  for (std::size_t i = 0; i < text.size();) {
    const auto [point, bytes] = utf8_at(text, i);
    points.push_back(point.value_or(static_cast<unsigned char>(text[i])));
    i += point ? bytes : 1;
  }
  return points;
}

struct LibraryEnd {
  void operator()(FT_Library library) const { FT_Done_FreeType(library); }
};
struct FaceEnd {
  void operator()(FT_Face face) const { FT_Done_Face(face); }
};
}  // namespace

struct Pen::Impl {
  std::unique_ptr<FT_LibraryRec_, LibraryEnd> library;
  std::unique_ptr<FT_FaceRec_, FaceEnd> face;

  /// Calls visit(point, x) for each letter with where it begins; returns where the next one would.
  template <class F>
  Index each(std::string_view text, F&& visit) const {
    Index x = 0;
    FT_UInt before = 0;
    for (const char32_t point : code_points(text)) {
      const FT_UInt glyph = FT_Get_Char_Index(face.get(), point);
      FT_Vector kerning{};
      if (before != 0 && FT_Get_Kerning(face.get(), before, glyph, FT_KERNING_DEFAULT, &kerning) == 0)
        x += kerning.x / kFixed;
      check(FT_Load_Glyph(face.get(), glyph, FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT), "draw a letter");
      visit(*face->glyph, x);
      x += face->glyph->advance.x / kFixed;
      before = glyph;
    }
    return x;
  }
};

Pen::Pen(int size) : impl_(std::make_unique<Impl>()) {
  FT_Library library = nullptr;
  check(FT_Init_FreeType(&library), "start");
  impl_->library.reset(library);
  const auto font = font_file();
  FT_Face face = nullptr;
  check(FT_New_Memory_Face(library, reinterpret_cast<const FT_Byte*>(font.data()), static_cast<FT_Long>(font.size()), 0,
                           &face),
        "read the font");
  impl_->face.reset(face);
  check(FT_Set_Pixel_Sizes(face, 0, static_cast<FT_UInt>(size)), "set the size of letters");
}

Pen::~Pen() = default;

Index Pen::line_height() const {
  return (impl_->face->size->metrics.ascender - impl_->face->size->metrics.descender) / kFixed;
}

Index Pen::width(std::string_view text) const {
  return impl_->each(text, [](const FT_GlyphSlotRec&, Index) {});
}

Index Pen::write(Raster& picture, Index y, Index x, std::string_view text, Rgb colour) const {
  const Index base = y + impl_->face->size->metrics.ascender / kFixed;
  return x + impl_->each(text, [&](const FT_GlyphSlotRec& glyph, Index at) {
    const FT_Bitmap& letter = glyph.bitmap;
    for (Index row = 0; row < static_cast<Index>(letter.rows); ++row)
      for (Index column = 0; column < static_cast<Index>(letter.width); ++column)
        picture.mix(base - glyph.bitmap_top + row, x + at + glyph.bitmap_left + column, colour,
                    letter.buffer[row * letter.pitch + column] / 255.0);
  });
}

std::string Pen::fitted(std::string_view text, Index most) const {
  if (width(text) <= most) return std::string(text);
  const auto starts_letter = [&](std::size_t at) {
    return at >= text.size() || (static_cast<std::uint8_t>(text[at]) & 0xC0) != 0x80;
  };
  for (std::size_t kept = text.size(); kept-- > 0;) {
    const std::size_t head = (kept + 1) / 2, tail = text.size() - kept / 2;
    if (!starts_letter(head) || !starts_letter(tail)) continue;
    std::string shorter = fmt::format("{}{}{}", text.substr(0, head), kEllipsis, text.substr(tail));
    if (width(shorter) <= most) return shorter;
  }
  return std::string(kEllipsis);
}

}  // namespace voxflow::preview
