#include "pipeline/interop/unicode.hpp"

#include <fmt/format.h>

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

std::string ascii_xml(std::string_view utf8) {
  std::string out;
  for (const char32_t c : characters(utf8))
    out += c < 0x80 ? std::string(1, static_cast<char>(c)) : fmt::format("&#{};", static_cast<std::uint32_t>(c));
  return out;
}

}  // namespace voxflow::interop
