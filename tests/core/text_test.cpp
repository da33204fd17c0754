// Suggestions, natural order, and quoting.
#include "pipeline/core/text.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace voxflow;

TEST_CASE("a typing error is answered with the name that was meant") {
  const std::vector<std::string> names{"radius", "sigma", "numerical_aperture"};
  CHECK(nearest_name("sigmaa", names) == "sigma");
  CHECK(nearest_name("Radius", names) == "radius");
  CHECK(nearest_name("numerical_apertur", names) == "numerical_aperture");
  CHECK(nearest_name("numericalaperture", names) == "numerical_aperture");
  CHECK(did_you_mean("sigmaa", names) == "; did you mean 'sigma'?");
}

TEST_CASE("nothing is suggested when nothing is near") {
  const std::vector<std::string> names{"radius", "sigma"};
  CHECK(!nearest_name("threshold", names));
  CHECK(!nearest_name("ab", names));
  CHECK(did_you_mean("threshold", names).empty());
  CHECK(!nearest_name("radius", {}));
}

TEST_CASE("the nearest of several candidates wins, the first one of equals") {
  const std::vector<std::string> names{"image2", "image", "images"};
  CHECK(nearest_name("imagee", names) == "image2");
  CHECK(nearest_name("image", names) == "image");
}

TEST_CASE("names with numbers sort as people count") {
  std::vector<std::string> names{"T10", "T2", "T1", "T02", "a", "T2b", "T", "T2a", "10", "9"};
  std::sort(names.begin(), names.end(), natural_less);
  CHECK(names == std::vector<std::string>{"9", "10", "T", "T1", "T02", "T2", "T2a", "T2b", "T10", "a"});
  CHECK(!natural_less("T2", "T2"));
  CHECK(natural_less("x99999999999999999999998", "x99999999999999999999999"));
  CHECK(natural_less("a0", "a00"));
}

TEST_CASE("natural order is a strict order: exactly one of two different names comes first") {
  const std::vector<std::string> names{"", "0", "00", "1", "01", "a", "a1", "a01", "a1b", "a01a", "a10", "b"};
  for (const auto& a : names)
    for (const auto& b : names) CHECK(static_cast<int>(natural_less(a, b)) + natural_less(b, a) == (a != b));
}

TEST_CASE("texts are cut, joined and trimmed without losing empty parts") {
  CHECK(split("a,,b,", ',') == std::vector<std::string>{"a", "", "b", ""});
  CHECK(split("", ',') == std::vector<std::string>{""});
  CHECK(join(std::vector<std::string>{"a", "", "b"}, ", ") == "a, , b");
  CHECK(join({}, ", ").empty());
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim(" \n").empty());
  CHECK(to_lower("ZÄ-9") == "zÄ-9");
}

TEST_CASE("a shell reads a quoted text back as it was") {
  CHECK(shell_quote("plain/path-1.h5") == "plain/path-1.h5");
  CHECK(shell_quote("") == "''");
  CHECK(shell_quote("two words") == "'two words'");
  CHECK(shell_quote("it's $HOME") == "'it'\\''s $HOME'");
}

TEST_CASE("UTF-8 is read character by character, and what is none is told with its bytes") {
  const auto at_start = [](std::string_view text) {
    const auto [character, bytes] = utf8_at(text, 0);
    return std::pair(character.value_or(0xFFFFFFFF), bytes);
  };
  CHECK(at_start("a") == std::pair(U'a', std::size_t{1}));
  CHECK(at_start("\u00b5m") == std::pair(U'\u00b5', std::size_t{2}));
  CHECK(at_start("\u20ac") == std::pair(U'\u20ac', std::size_t{3}));
  CHECK(at_start("\U0001F52C") == std::pair(U'\U0001F52C', std::size_t{4}));
  constexpr char32_t kNone = 0xFFFFFFFF;
  CHECK(at_start("\xfcller") == std::pair(kNone, std::size_t{1}));
  CHECK(at_start("\x80") == std::pair(kNone, std::size_t{1}));
  CHECK(at_start("\xe2\x82!") == std::pair(kNone, std::size_t{2}));
  CHECK(at_start("\xc0\xaf") == std::pair(kNone, std::size_t{2}));
}

TEST_CASE("plain text is UTF-8 without control characters") {
  CHECK(is_plain_utf8(""));
  CHECK(is_plain_utf8("M\u00fcller, 40 \u00b5m\t\U0001F52C\n"));
  CHECK_FALSE(is_plain_utf8("M\xfcller"));     // Latin-1
  CHECK_FALSE(is_plain_utf8("\xc0\xaf"));      // overlong
  CHECK_FALSE(is_plain_utf8("\xed\xa0\x80"));  // a surrogate
  CHECK_FALSE(is_plain_utf8("\xf4\x90\x80\x80"));
  CHECK_FALSE(is_plain_utf8("half \xc3"));
  CHECK_FALSE(is_plain_utf8("bell \x07"));
}
