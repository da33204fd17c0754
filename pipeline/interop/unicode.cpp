#include "pipeline/interop/unicode.hpp"

#include <fmt/format.h>

namespace voxflow::interop {

namespace {
constexpr char32_t kReplacement = 0xFFFD;

/// Bytes of the character that begins with `first`; 0 where none does.
std::size_t length_of(unsigned char first) {
  return first < 0x80 ? 1 : (first & 0xE0) == 0xC0 ? 2 : (first & 0xF0) == 0xE0 ? 3 : (first & 0xF8) == 0xF0 ? 4 : 0;
}
}  // namespace

std::u32string characters(std::string_view utf8) {
  constexpr unsigned char kFirstBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  std::u32string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto first = static_cast<unsigned char>(utf8[i]);
    std::size_t n = length_of(first);
    char32_t character = n == 0 ? kReplacement : first & kFirstBits[n];
    for (std::size_t k = 1; k < n; ++k) {
      const auto byte = i + k < utf8.size() ? static_cast<unsigned char>(utf8[i + k]) : 0;
      if ((byte & 0xC0) != 0x80) {
        character = kReplacement;
        n = k;
        break;
      }
      character = character << 6 | (byte & 0x3F);
    }
    out += character > 0x10FFFF ? kReplacement : character;
    i += n == 0 ? 1 : n;
  }
  return out;
}

std::u16string utf16(std::string_view utf8) {
  std::u16string out;
  for (const char32_t c : characters(utf8)) {
    if (c < 0x10000) {
      out += static_cast<char16_t>(c);
    } else {
      out += static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10));
      out += static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF));
    }
  }
  return out;
}

std::string ascii_xml(std::string_view utf8) {
  std::string out;
  for (const char32_t c : characters(utf8))
    out += c < 0x80 ? std::string(1, static_cast<char>(c)) : fmt::format("&#{};", static_cast<std::uint32_t>(c));
  return out;
}

}  // namespace voxflow::interop
