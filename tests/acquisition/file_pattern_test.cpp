// Patterns of file names: which names fit, and what their parts say.
#include "pipeline/acquisition/file_pattern.hpp"

#include <doctest/doctest.h>

#include "tests/support/messages.hpp"

using namespace voxflow;
using namespace voxflow::acquisition;
using namespace voxflow::test;

namespace {
FieldKind kind_of(const std::string& field) {
  if (field == "timepoint") return FieldKind::digits;
  if (field == "channel") return FieldKind::word;
  if (field == "hours") return FieldKind::number;
  if (field == "day") return FieldKind::date;
  return FieldKind::text;
}

std::optional<Fields> match(const std::string& pattern, const std::string& path) {
  return FilePattern(pattern, kind_of).match(path);
}

std::string complaint(const std::string& pattern) {
  return message_of<PatternError>([&] { FilePattern(pattern, kind_of); });
}
}  // namespace

TEST_CASE("named parts take what stands at their place") {
  CHECK(match("volume--C{channel}--T{timepoint}.tif", "volume--C00--T122.tif") ==
        Fields{{"channel", "00"}, {"timepoint", "122"}});
  CHECK(match("{species}_{hours}h_{day}.tif", "G12_18.5h_20261125.tif") ==
        Fields{{"species", "G12"}, {"hours", "18.5"}, {"day", "20261125"}});
  CHECK(match("{day}.tif", "2026-11-25.tif") == Fields{{"day", "2026-11-25"}});
  CHECK(match("{name}.tif", "a.b_c.tif") == Fields{{"name", "a.b_c"}});
}

TEST_CASE("a name of another form is not matched") {
  CHECK(!match("T{timepoint}.tif", "Tx.tif"));
  CHECK(!match("T{timepoint}.tif", "T1.tiff"));
  CHECK(!match("T{timepoint}.tif", "aT1.tif"));
  CHECK(!match("T{timepoint}.tif", "T.tif"));
  CHECK(!match("{hours}h.tif", "1.2.3h.tif"));
  CHECK(!match("{day}.tif", "2026112.tif"));
}

TEST_CASE("digits are never cut short") {
  CHECK(match("T{timepoint}*.tif", "T12.tif") == Fields{{"timepoint", "12"}});
}

TEST_CASE("* and ? stand for what does not matter, and not for a folder") {
  CHECK(match("*_T{timepoint}.tif", "anything_T3.tif") == Fields{{"timepoint", "3"}});
  CHECK(match("T?_{timepoint}.tif", "Tx_3.tif") == Fields{{"timepoint", "3"}});
  CHECK(!match("a*c.tif", "a/c.tif"));
}

TEST_CASE("as many folders count as the pattern names") {
  CHECK(match("T{timepoint}.tif", "/data/G12/T3.tif") == Fields{{"timepoint", "3"}});
  CHECK(match("{species}/T{timepoint}.tif", "/data/G12/T3.tif") == Fields{{"species", "G12"}, {"timepoint", "3"}});
  CHECK(!match("{species}/T{timepoint}.tif", "T3.tif"));
}

TEST_CASE("a long name that does not fit is refused in short time") {
  CHECK(!match("*a*a*a*a*a*a*a*a*b", std::string(400, 'a')));
}

TEST_CASE("a pattern that cannot be meant is refused with its place") {
  CHECK(complaint("T{timepoint.tif") == "'{' has no '}' behind it");
  CHECK(complaint("T}.tif") == "'}' has no '{' before it");
  CHECK(complaint("T{a b}.tif") == "'a b' cannot name a part of a file's name; letters, digits and '_' can");
  CHECK(complaint("{a}_{a}.tif") == "'{a}' stands twice in the pattern");
  CHECK(complaint("{a}{b}.tif") == "nothing parts '{b}' from what stands before it; write a character between");
  CHECK(complaint("") == "the pattern is empty; write such as '{name}.tif'");
  try {
    FilePattern("T{a}_{a}.tif", kind_of);
  } catch (const PatternError& e) {
    CHECK(e.offset() == 5);
    CHECK(e.length() == 3);
  }
}
