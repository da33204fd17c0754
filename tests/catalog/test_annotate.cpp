// Annotating: types and units by declaration, events only for what changes.
#include <doctest/doctest.h>

#include "catalog/query/query.hpp"
#include "tests/catalog/fixture.hpp"

using namespace voxflow;
using namespace voxflow::test;
using record::AnnotationType;

namespace {
struct Annotated : CatalogFixture {
  std::unique_ptr<catalog::CatalogClient> catalog;
  Annotated() {
    publish(acquisition("embryo_1", {number("age", 18, "h")}));
    publish(acquisition("embryo_2"));
    catalog = open();
    catalog->ingest();
  }
  void set(const std::string& entity, const record::Annotation& a) const {
    catalog->annotate({entity, {a}, {}, "anna"});
  }
  std::string refused(const record::Annotation& a) const {
    return message_of<UserError>([&] { set("embryo_1", a); });
  }
  std::size_t events() const {
    std::size_t n = 0;
    const auto dump = catalog->dump();
    for (auto at = dump.find("\tannotated\t"); at != std::string::npos; at = dump.find("\tannotated\t", at + 1)) ++n;
    return n;
  }
};
}  // namespace

TEST_CASE("a value is annotated and survives a rebuild") {
  const Annotated f;
  f.set("embryo_2", text("species", "G12"));
  CHECK(f.catalog->get("embryo_2").annotations == std::vector{text("species", "G12")});
  const auto before = f.catalog->dump();
  f.catalog->rebuild();
  CHECK(f.catalog->dump() == before);
}

TEST_CASE("a new key is declared by its first value") {
  const Annotated f;
  f.set("embryo_2", number("depth", 40, "um"));
  const auto keys = f.catalog->keys();
  CHECK(std::find(keys.begin(), keys.end(), record::AnnotationKey{"depth", AnnotationType::number, "um"}) !=
        keys.end());
}

TEST_CASE("a value in another unit is converted to the declared one") {
  const Annotated f;
  f.set("embryo_2", number("age", 2, "days"));
  CHECK(f.catalog->get("embryo_2").annotations == std::vector{number("age", 48, "h")});
}

TEST_CASE("a value of another type or measure is refused, naming key, declaration and value") {
  const Annotated f;
  CHECK(f.refused(text("age", "old")) ==
        "embryo_1: annotation 'age' is declared as number in h, but \"old\" was given");
  CHECK(f.refused(number("age", 3, "um")) ==
        "embryo_1: annotation 'age' is declared as number in h, but 3 um was given");
  CHECK(f.refused(number("age", 3)) == "embryo_1: annotation 'age' is declared as number in h, but 3 was given");
  CHECK(f.refused(truth("instrument", true)) ==
        "embryo_1: annotation 'instrument' is declared as text, but true was given");
  CHECK(f.refused(date("acquired", "yesterday")) ==
        "embryo_1: annotation 'acquired' is a date, but \"yesterday\" is none; write it as 2026-11-22 or "
        "2026-11-22T08:15:00Z");
  CHECK(f.events() == 0);
}

TEST_CASE("a name that no query could use is refused") {
  const Annotated f;
  CHECK(f.refused(text("and", "x")).starts_with("'and' cannot be the name of an annotation"));
  CHECK(f.refused(text("two words", "x")).starts_with("'two words' cannot be the name of an annotation"));
  CHECK(f.refused(text("kind", "x")) ==
        "'kind' is a field that every image has; choose another name for the annotation");
  CHECK(f.refused(number("depth", 1, "furlong"))
            .starts_with("annotation 'depth': 'furlong' is not a unit; units are um"));
}

TEST_CASE("annotating an image that is not there gets the nearest name") {
  const Annotated f;
  CHECK(message_of<UserError>([&] { f.set("embryo_l", text("a", "b")); }) ==
        "the catalog has no image or result 'embryo_l'; did you mean 'embryo_1'?");
}

TEST_CASE("a value that stands already makes no event") {
  const Annotated f;
  f.set("embryo_1", number("age", 18, "h"));
  f.set("embryo_1", number("age", 0.75, "day"));
  CHECK(f.events() == 0);
  f.set("embryo_1", number("age", 19, "h"));
  f.set("embryo_1", number("age", 19, "h"));
  CHECK(f.events() == 1);
}

TEST_CASE("of several changes the last one made stays, however fast they follow") {
  const Annotated f;
  for (int i = 0; i < 8; ++i) {
    f.set("embryo_1", number("round", i));
    REQUIRE(f.catalog->get("embryo_1").annotations.back() == number("round", i));
  }
}

TEST_CASE("a removed value is gone, and an unknown one cannot be removed") {
  const Annotated f;
  f.catalog->annotate({"embryo_1", {}, {"age"}, "anna"});
  CHECK(f.catalog->get("embryo_1").annotations.empty());
  CHECK(f.catalog->count(catalog::query::parse("exists age")) == 0);
  CHECK(message_of<UserError>([&] {
          f.catalog->annotate({"embryo_1", {}, {"agee"}, "anna"});
        }) == "there is no annotation 'agee'; did you mean 'age'?");
}

TEST_CASE("of many changes none is made when one is refused") {
  const Annotated f;
  const std::vector<record::AnnotationChange> changes{{"embryo_1", {text("species", "G12")}, {}, "anna"},
                                                      {"embryo_2", {number("species", 7)}, {}, "anna"}};
  CHECK(message_of<UserError>([&] { f.catalog->annotate_all(changes); }) ==
        "embryo_2: annotation 'species' is declared as text, but 7 was given");
  CHECK(f.catalog->get("embryo_1").annotations.size() == 1);
}

TEST_CASE("a key is declared once, and again only alike") {
  const Annotated f;
  const record::AnnotationKey key{"depth", AnnotationType::number, "um"};
  f.catalog->declare(key);
  f.catalog->declare(key);
  CHECK(message_of<UserError>([&] {
          f.catalog->declare({"depth", AnnotationType::text, ""});
        }) == "annotation 'depth' is declared as number in um already, not as text");
  CHECK(message_of<UserError>([&] {
          f.catalog->declare({"note", AnnotationType::text, "um"});
        }) == "annotation 'note' is text, which has no unit; 'um' was given");
  const auto before = f.catalog->dump();
  f.catalog->rebuild();
  CHECK(f.catalog->dump() == before);
}
