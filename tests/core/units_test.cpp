// Quantities: what people may write, what it means, and how numbers are written back.
#include "pipeline/core/units.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "pipeline/core/error.hpp"
#include "tests/support/messages.hpp"

using namespace voxflow;
using test::message_of;

namespace {
double in(const char* text, const char* unit) {
  return convert(parse_quantity(text).value(), unit);
}
}  // namespace

TEST_CASE("a quantity is a number with at most one known unit behind it") {
  const auto with_space = parse_quantity("40 um");
  REQUIRE(with_space);
  CHECK(with_space->number == 40);
  CHECK(with_space->unit == "um");
  CHECK(parse_quantity("40um")->unit == "um");
  CHECK(parse_quantity("  -1.5e3\t")->number == -1500);
  CHECK(parse_quantity("-1.5e3")->unit.empty());
  CHECK(parse_quantity("+0.5 h")->number == 0.5);
  CHECK(parse_quantity("8 GB")->unit == "GB");
  CHECK(parse_quantity("1 d")->unit == "d");
}

TEST_CASE("micrometres may be written with u, micro sign or Greek mu") {
  CHECK(in("2.5 um", "um") == 2.5);
  CHECK(in("2.5 \u00b5m", "um") == 2.5);
  CHECK(in("2.5 \u03bcm", "um") == 2.5);
}

TEST_CASE("what is not a quantity is refused, not guessed at") {
  for (const char* text : {"", " ", "um", "40 parsecs", "40 um um", "1,5 um", "1 000", "0x10", "1e400", "nan", "inf",
                           "-inf um", "+-5", "++5", "--5", "5e", "40 UM", "40 Um"})
    CHECK_MESSAGE(!parse_quantity(text), text);
}

TEST_CASE("conversion between units of one dimension is exact where the result is a double") {
  CHECK(in("520 nm", "um") == 0.52);
  CHECK(in("0.52 um", "nm") == 520);
  CHECK(in("1 mm", "um") == 1000);
  CHECK(in("18 h", "days") == 0.75);
  CHECK(in("1 day", "h") == 24);
  CHECK(in("90 min", "h") == 1.5);
  CHECK(in("300 ms", "s") == 0.3);
  CHECK(in("8 GB", "B") == 8e9);
  CHECK(in("2 GiB", "MiB") == 2048);
  CHECK(in("180 deg", "rad") == doctest::Approx(3.14159265358979).epsilon(1e-14));
}

TEST_CASE("every length in nanometres up to 2000 converts to the double that people would write") {
  for (int nm = 1; nm <= 2000; ++nm) {
    const std::string text = std::to_string(nm / 1000) + "." + std::to_string(1000 + nm % 1000).substr(1);
    CHECK(convert({static_cast<double>(nm), "nm"}, "um") == std::stod(text));
  }
}

TEST_CASE("a missing, superfluous or foreign unit is refused with what is wanted") {
  CHECK(message_of<UserError>([] { convert({40, ""}, "um"); }) == "40 has no unit; write, for example, '40 um'");
  CHECK(message_of<UserError>([] { convert({40, "h"}, "um"); }) == "'h' is not a unit of length; write it in um");
  CHECK(message_of<UserError>([] { convert({3, "um"}, ""); }) == "3 um has a unit, but a plain number is wanted");
  CHECK(message_of<InternalError>([] { convert({3, "um"}, "cubit"); }) == "'cubit' is not a unit");
  CHECK(convert({3, ""}, "") == 3);
}

TEST_CASE("a number is written in the shortest form that reads back as the same double") {
  CHECK(format_number(0.3) == "0.3");
  CHECK(format_number(0.1 + 0.2) == "0.30000000000000004");
  CHECK(format_number(100000) == "100000");
  CHECK(format_number(123456789012345) == "123456789012345");
  CHECK(format_number(-2.5) == "-2.5");
  CHECK(format_number(1e-5) == "0.00001");
  CHECK(format_number(1e-7) == "1e-07");
  CHECK(format_number(1e15) == "1e+15");
  CHECK(format_number(static_cast<double>(0.1F)) == "0.10000000149011612");
  for (const double v : {1.0 / 3, 2.0 / 3 * 1e-9, 6.02214076e23, std::numeric_limits<double>::min(),
                         std::numeric_limits<double>::max(), 999999999999999.9})
    CHECK(std::stod(format_number(v)) == v);
}

TEST_CASE("equal values have one text, so that they have one hash") {
  CHECK(format_number(-0.0) == "0");
  CHECK(format_number(std::nan("")) == "nan");
  CHECK(format_number(std::copysign(std::nan("7"), -1)) == "nan");
  CHECK(format_number(std::numeric_limits<double>::infinity()) == "inf");
}

TEST_CASE("quantities and sizes are shown as people write them") {
  CHECK(format_quantity(40, "um") == "40 um");
  CHECK(format_quantity(40, "") == "40");
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(999) == "999 B");
  CHECK(format_bytes(1500) == "1.5 KB");
  CHECK(format_bytes(12'300) == "12 KB");
  CHECK(format_bytes(999'600) == "1.0 MB");
  CHECK(format_bytes(9'960'000'000) == "10 GB");
  CHECK(format_bytes(1'500'000'000) == "1.5 GB");
  CHECK(format_bytes(2'000'000'000'000'000) == "2000 TB");
}

TEST_CASE("literals carry their unit in their type") {
  CHECK((0.3_um).value == 0.3);
  CHECK((520.0_nm).value == 520);
  CHECK((1.5_s).value == 1.5);
  CHECK(0.3_um < 0.4_um);
}
