// Text in UTF-8 as other forms need it; private to this room.
#pragma once
#include <string>
#include <string_view>

namespace voxflow::interop {

/// The characters of UTF-8 text; a byte that is no part of one becomes U+FFFD.
std::u32string characters(std::string_view utf8);

/// UTF-16, as Java keeps text.
std::u16string utf16(std::string_view utf8);

/// UTF-8 of Java's text; half of a pair becomes U+FFFD.
std::string utf8(std::u16string_view utf16);

}  // namespace voxflow::interop
