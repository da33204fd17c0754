#include "pipeline/interop/unicode.hpp"

#include "pipeline/core/text.hpp"

namespace voxflow::interop {

namespace {
constexpr char32_t kReplacement = 0xFFFD;
}  // namespace

std::u32string characters(std::string_view utf8) {
  std::u32string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto [character, bytes] = utf8_at(utf8, i);
    out += character.value_or(kReplacement);
    i += bytes;
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

std::string utf8(std::u16string_view utf16) {
  const auto is_half = [](char16_t c, char16_t first) { return (c & 0xFC00) == first; };
  std::string out;
  const auto add = [&](char32_t c, int shift, unsigned mark) {
    out += static_cast<char>(mark | ((c >> shift) & (mark == 0x80 ? 0x3FU : 0x1FU)));
  };
  for (std::size_t i = 0; i < utf16.size(); ++i) {
    char32_t c = utf16[i];
    if (is_half(utf16[i], 0xD800) && i + 1 < utf16.size() && is_half(utf16[i + 1], 0xDC00))
      c = 0x10000 + ((c - 0xD800) << 10) + (utf16[++i] - 0xDC00U);
    else if ((c & 0xF800) == 0xD800)
      c = kReplacement;
    if (c < 0x80) {
      out += static_cast<char>(c);
      continue;
    }
    if (c >= 0x10000)
      out += static_cast<char>(0xF0 | (c >> 18)), add(c, 12, 0x80);
    else if (c >= 0x800)
      out += static_cast<char>(0xE0 | (c >> 12));
    else
      add(c, 6, 0xC0);
    if (c >= 0x800) add(c, 6, 0x80);
    add(c, 0, 0x80);
  }
  return out;
}

}  // namespace voxflow::interop
