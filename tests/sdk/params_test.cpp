#include <doctest/doctest.h>

#include <cmath>

#include "pipeline/core/error.hpp"
#include "pipeline/sdk/schema.hpp"

namespace {
using namespace voxflow;

ParamInfo number(const std::string& unit = "um") {
  ParamInfo p;
  p.name = "radius", p.type = ParamType::number, p.unit = unit, p.low = 0.05, p.high = 5.0, p.default_value = 0.3;
  return p;
}

ParamInfo of_type(ParamType type) {
  ParamInfo p;
  p.name = "value", p.type = type, p.low = 1, p.high = 9;
  return p;
}

SchemaInfo schema() {
  SchemaInfo s;
  s.name = "denoise.example";
  s.params = {number(), of_type(ParamType::integer)};
  s.params[1].name = "iterations";
  s.params[1].default_value = std::int64_t{5};
  return s;
}
}  // namespace

TEST_CASE("a value within its range fits") {
  CHECK_FALSE(check_value(number(), 0.05));
  CHECK_FALSE(check_value(number(), 5.0));
}

TEST_CASE("a value outside its range is answered with value, unit and range") {
  CHECK(check_value(number(), 40.0) == "radius is 40 um, allowed 0.05 um to 5 um");
  CHECK(check_value(number(""), 0.0) == "radius is 0, allowed 0.05 to 5");
  ParamInfo open = number();
  open.high.reset();
  CHECK(check_value(open, 0.0) == "radius is 0 um, allowed at least 0.05 um");
  open.low.reset(), open.high = 2;
  CHECK(check_value(open, 3.0) == "radius is 3 um, allowed at most 2 um");
}

TEST_CASE("NaN and infinity are outside every range") {
  CHECK(check_value(number(), std::nan("")));
  CHECK(check_value(number(), HUGE_VAL));
}

TEST_CASE("a value of another type is answered with the type") {
  CHECK(check_value(number(), "wide") == "radius is not a number with a unit, such as '1 um'");
  CHECK(check_value(number(""), true) == "radius is not a number");
  CHECK(check_value(of_type(ParamType::integer), 1.5) == "value is not a whole number");
  CHECK(check_value(of_type(ParamType::boolean), 1.0) == "value is not true or false");
}

TEST_CASE("a list is checked in length and in each value") {
  ParamInfo list = of_type(ParamType::numbers);
  list.length = 3, list.unit = "um";
  CHECK_FALSE(check_value(list, std::vector{1.0, 2.0, 9.0}));
  CHECK(check_value(list, std::vector{1.0, 2.0}) == "value is not a list of 3 quantities in um");
  CHECK(check_value(list, std::vector{1.0, 2.0, 10.0}) == "value is 10 um, allowed 1 um to 9 um");
  list.unit = "";
  CHECK(check_value(list, 1.0) == "value is not a list of 3 numbers");
}

TEST_CASE("a choice that is not there is answered with all of them and the nearest") {
  ParamInfo choice = of_type(ParamType::choice);
  choice.choices = {"otsu", "fixed"};
  CHECK_FALSE(check_value(choice, "fixed"));
  CHECK(check_value(choice, "fixd") == "value is 'fixd', allowed otsu, fixed; did you mean 'fixed'?");
  CHECK(check_value(choice, 2.0) == "value is not one of otsu, fixed");
}

TEST_CASE("only an optional parameter may be unset") {
  ParamInfo p = number();
  CHECK(check_value(p, {}) == "radius is not set; it is a number with a unit, such as '1 um'");
  p.optional = true;
  CHECK_FALSE(check_value(p, {}));
}

TEST_CASE("parameters that are not given take their defaults") {
  const ParamValues resolved = resolve_params(schema(), {{"radius", 1.0}});
  CHECK(resolved == ParamValues{{"iterations", std::int64_t{5}}, {"radius", 1.0}});
}

TEST_CASE("every wrong parameter is reported at once, with the kernel") {
  CHECK_THROWS_WITH_AS(resolve_params(schema(), {{"radius", 9.0}, {"iteratoins", std::int64_t{2}}}),
                       "kernel 'denoise.example': radius is 9 um, allowed 0.05 um to 5 um; there is no parameter "
                       "'iteratoins'; did you mean 'iterations'?",
                       UserError);
}
