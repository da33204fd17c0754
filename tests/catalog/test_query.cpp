// The query language: what is read, and what is said about what cannot be read.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "catalog/query/query.hpp"
#include "tests/catalog/fixture.hpp"

using namespace voxflow;
using namespace voxflow::catalog::query;
using voxflow::test::message_of;

namespace {
std::string written(const Literal& v) {
  if (const auto* text = std::get_if<std::string>(&v)) return "\"" + *text + "\"";
  if (const auto* truth = std::get_if<bool>(&v)) return *truth ? "true" : "false";
  const auto& q = std::get<Quantity>(v);
  return format_quantity(q.number, q.unit);
}

/// The tree as a Lisp expression.
std::string tree(const NodePtr& n);

template <class T>
std::string branches(const char* name, const std::vector<T>& parts) {
  std::string out = std::string("(") + name;
  for (const auto& p : parts) out += " " + tree(p);
  return out + ")";
}

std::string tree(const NodePtr& n) {
  if (!n) return "everything";
  static constexpr const char* kSigns[] = {"=", "!=", "<", "<=", ">", ">="};
  return std::visit(
      [](const auto& w) -> std::string {
        using T = std::decay_t<decltype(w)>;
        if constexpr (std::is_same_v<T, Comparison>) {
          return fmt::format("({} {} {})", kSigns[static_cast<int>(w.compare)], w.field, written(w.value));
        } else if constexpr (std::is_same_v<T, Between>) {
          return fmt::format("(between {} {} {})", w.field, written(w.low), written(w.high));
        } else if constexpr (std::is_same_v<T, In>) {
          std::string out = "(in " + w.field;
          for (const Literal& v : w.values) out += " " + written(v);
          return out + ")";
        } else if constexpr (std::is_same_v<T, Exists>) {
          return "(exists " + w.field + ")";
        } else if constexpr (std::is_same_v<T, Call>) {
          return "(" + w.function + (w.arguments.empty() ? "" : " \"" + w.arguments[0] + "\"") + ")";
        } else if constexpr (std::is_same_v<T, Not>) {
          return "(not " + tree(w.operand) + ")";
        } else if constexpr (std::is_same_v<T, And>) {
          return branches("and", w.operands);
        } else {
          return branches("or", w.operands);
        }
      },
      n->what);
}

std::string parsed(std::string_view text) {
  return tree(parse(text).root);
}

/// "place: message | hint" of the error.
std::string refused(std::string_view text) {
  try {
    parse(text);
  } catch (const QueryError& e) {
    return fmt::format("{}+{}: {}{}", e.offset(), e.length(), e.message(), e.hint().empty() ? "" : " | " + e.hint());
  }
  return "accepted";
}
}  // namespace

TEST_CASE("an empty query selects everything") {
  CHECK(parsed("") == "everything");
  CHECK(parsed(" \n ") == "everything");
}

TEST_CASE("every comparison is read, with its kind of value") {
  CHECK(parsed(R"(species = "G12")") == R"((= species "G12"))");
  CHECK(parsed(R"(a != "b")") == R"((!= a "b"))");
  CHECK(parsed("a<1") == "(< a 1)");
  CHECK(parsed("a <= 2.5") == "(<= a 2.5)");
  CHECK(parsed("a>-3") == "(> a -3)");
  CHECK(parsed("spacing.z >= 0.3 um") == "(>= spacing.z 0.3 um)");
  CHECK(parsed("time = 18h") == "(= time 18 h)");
  CHECK(parsed("x = 1e3 µm") == "(= x 1000 µm)");
  CHECK(parsed("good = true or good = FALSE") == "(or (= good true) (= good false))");
  CHECK(parsed(R"(name = "a \"b\" \\ c\d")") == R"((= name "a "b" \ c\d"))");
}

TEST_CASE("'and' binds closer than 'or', 'not' closest") {
  CHECK(parsed("a = 1 or b = 2 and c = 3") == "(or (= a 1) (and (= b 2) (= c 3)))");
  CHECK(parsed("(a = 1 or b = 2) and c = 3") == "(and (or (= a 1) (= b 2)) (= c 3))");
  CHECK(parsed("not a = 1 and b = 2") == "(and (not (= a 1)) (= b 2))");
  CHECK(parsed("not (a = 1 and b = 2)") == "(not (and (= a 1) (= b 2)))");
  CHECK(parsed("a = 1 AND b = 2") == "(and (= a 1) (= b 2))");
}

TEST_CASE("ranges, lists, existence and functions are read") {
  CHECK(parsed("t between 18 h and 1 day and a = 1") == "(and (between t 18 h 1 day) (= a 1))");
  CHECK(parsed(R"(s in ("a", "b"))") == R"((in s "a" "b"))");
  CHECK(parsed("not exists parasite_count") == "(not (exists parasite_count))");
  CHECK(parsed(R"(derived_from("embryo_3"))") == R"((derived_from "embryo_3"))");
  CHECK(parsed(R"(has_result("first_look/cells") and stale)") == R"((and (has_result "first_look/cells") (stale)))");
}

TEST_CASE("the fields of a query are listed once each") {
  const auto q = parse(R"(b = 1 and (not exists a or b between 1 and 2) and spacing.z > 1 um and s in ("x"))");
  CHECK(fields(q) == std::vector<std::string>{"b", "a", "spacing.z", "s"});
}

TEST_CASE("places of fields and values are kept for messages") {
  const auto q = parse("  spacing.z >= 0.3 um");
  CHECK(q.root->offset == 2);
  CHECK(q.root->length == 9);
  CHECK(q.text.substr(q.root->value_offset, q.root->value_length) == "0.3 um");
}

TEST_CASE("signs of other languages are answered with the sign of this one") {
  CHECK(refused(R"(a == "b")") == "2+2: there is no '==' here | write =");
  CHECK(refused("a <> 1") == "2+2: there is no '<>' here | write !=");
  CHECK(refused("a = 1 && b = 2") == "6+2: there is no '&&' here | write and");
  CHECK(refused("a = 1 || b = 2") == "6+2: there is no '||' here | write or");
  CHECK(refused("!a = 1") == "0+1: there is no '!' here | write not");
  CHECK(refused("a = 1; b = 2") == "5+1: ';' has no meaning here");
}

TEST_CASE("quotation marks other than straight double ones are refused with what to write") {
  CHECK(refused("species = 'G12'") == R"(10+5: text stands in double quotes | write "G12")");
  CHECK(refused("species = 'G12") == R"(10+1: text stands in double quotes | write "...")");
  CHECK(refused("species = “G12”") ==
        R"(10+3: this quotation mark is typographic | use straight double quotes: "...")");
  CHECK(refused(R"(species = "G12)") == R"(10+4: the closing quotation mark is missing | end the text with ")");
}

TEST_CASE("a bare word where a value is wanted is answered with the quoted text") {
  CHECK(refused("species = G12") == R"(10+3: text stands in double quotes, but 'G12' has none | write "G12")");
  CHECK(refused("derived_from(embryo_3)") ==
        R"(13+8: text stands in double quotes, but 'embryo_3' has none | write "embryo_3")");
  CHECK(refused("a = ") ==
        "4+1: a value is wanted here, not the end of the query | a text in double quotes, a number with its unit, a "
        "date such as "
        "\"2026-11-22\", or true or false");
}

TEST_CASE("mistyped words get the nearest word") {
  CHECK(refused("a = 1 adn b = 2") == "6+3: 'and', 'or' or the end is wanted here, not 'adn'; did you mean 'and'?");
  CHECK(refused("a betwen 1 and 2") ==
        "2+6: after 'a' a comparison is wanted (=, !=, <, <=, >, >=, between, in), not 'betwen'; did you mean "
        "'between'?");
  CHECK(refused(R"(derived_form("x"))") ==
        "0+12: there is no function 'derived_form'; did you mean 'derived_from'? | functions are derived_from(\"name "
        "or id\") and "
        "has_result(\"workflow/step\")");
}

TEST_CASE("what is missing is named") {
  CHECK(refused("species") ==
        "0+7: after 'species' a comparison is wanted (=, !=, <, <=, >, >=, between, in), not the end of the query | to "
        "ask whether "
        "there is a value: exists species");
  CHECK(refused("(a = 1") == "0+1: this '(' is not closed | add ')'");
  CHECK(refused("a = 1)") == "5+1: there is no '(' for this ')'");
  CHECK(refused("a between 1 or 2") ==
        "12+2: 'and' and the upper bound are wanted here, not 'or' | between 18 h and 1 day");
  CHECK(refused("a in 1") == "5+1: '(' is wanted after 'in', not the number 1 | in (\"a\", \"b\")");
  CHECK(refused("a in (1 2)") == "8+1: ',' or ')' is wanted here, not the number 2");
  CHECK(refused("a = 1 b = 2") == "6+1: 'and', 'or' or the end is wanted here, not 'b'");
  CHECK(refused(R"("species" = 1)") == "0+9: a field's name is wanted here, not the text \"species\"");
  CHECK(refused("and a = 1") == "0+3: a field's name is wanted here, not the word 'and'");
  CHECK(refused("derived_from()") == "0+12: derived_from wants one text in double quotes");
  CHECK(refused(R"(derived_from("a", "b"))") == "16+1: derived_from takes one text; ')' is wanted here, not ','");
}

TEST_CASE("an unknown unit is refused") {
  CHECK(refused("time = 18 hrs") ==
        "10+3: 'hrs' is not a unit | units are um, nm, mm, ms, s, min, h, day, B, KB, MB, GB, TB, deg and rad; text "
        "stands in double "
        "quotes");
  CHECK(refused("time > 18hrs and a = 1").starts_with("9+3: 'hrs' is not a unit"));
}

TEST_CASE("a number that is none and a query without end are refused") {
  CHECK(refused("a = 1e999") == "4+1: this is not a number that can be compared");
  CHECK(refused(std::string(5000, '(')).ends_with("the query is nested more than 200 deep"));
}

TEST_CASE("the message shows the line of the query with a caret") {
  const auto message = message_of<QueryError>([] { parse("project = \"malaria\"\n  and species = G12\n"); });
  CHECK(message ==
        "query: text stands in double quotes, but 'G12' has none\n"
        "      and species = G12\n"
        "                    ^~~\n"
        "  hint: write \"G12\"");
}

TEST_CASE("the caret stands right under text that is not ASCII") {
  const auto message = message_of<QueryError>([] { parse("µ = x"); });
  CHECK(message.find("\n    µ = x\n        ^\n") != std::string::npos);
}

TEST_CASE("names of annotations are words that are no keyword") {
  CHECK(is_field_name("time_post_infection"));
  CHECK(is_field_name("stage.x"));
  CHECK_FALSE(is_field_name("and"));
  CHECK_FALSE(is_field_name("2nd"));
  CHECK_FALSE(is_field_name("a b"));
  CHECK_FALSE(is_field_name("a'b"));
  CHECK_FALSE(is_field_name(""));
}
