// Tables of annotations as they come from a spreadsheet.
#include <doctest/doctest.h>

#include "catalog/store/annotation_table.hpp"
#include "tests/catalog/fixture.hpp"

using namespace voxflow;
using namespace voxflow::test;
using record::Annotation;

namespace {
struct Facility : CatalogFixture {
  std::unique_ptr<catalog::CatalogClient> catalog;
  Facility() {
    publish(acquisition("embryo_1", {number("age", 18, "h")}));
    publish(acquisition("embryo_2"));
    catalog = open();
    catalog->ingest();
  }
  std::vector<record::AnnotationChange> read(const std::string& table) const {
    return catalog::read_annotation_table({"plate.csv", table}, *catalog, "anna");
  }
  std::string refused(const std::string& table) const {
    return message_of<FileError>([&] { read(table); });
  }
};
}  // namespace

TEST_CASE("a table annotates each row's image with each column's key") {
  const Facility f;
  const auto changes = f.read("image,species,age [h],good\nembryo_1,G12,20,true\nembryo_2,DSX,2 days,false\n");
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].entity == f.catalog->get("embryo_1").id);
  CHECK(changes[0].agent == "anna");
  CHECK(changes[0].set == std::vector<Annotation>{text("species", "G12"), number("age", 20, "h"), truth("good", true)});
  CHECK(changes[1].set ==
        std::vector<Annotation>{text("species", "DSX"), number("age", 48, "h"), truth("good", false)});
}

TEST_CASE("a new key takes the type that all its cells have") {
  const Facility f;
  const auto changes = f.read(
      "image\ta\tb\tc\td\te\nembryo_1\t1\t2026-11-22\tTRUE\t1\t18 h\nembryo_2\t2.5\t2026-11-23\tfalse\tx\t1 day\n");
  CHECK(changes[1].set == std::vector<Annotation>{number("a", 2.5), date("b", "2026-11-23"), truth("c", false),
                                                  text("d", "x"), number("e", 24, "h")});
}

TEST_CASE("an empty cell says nothing, quoted cells hold commas, quotes and lines") {
  const Facility f;
  const auto changes = f.read("\xEF\xBB\xBFimage,note,age [h]\r\nembryo_1,\"a, \"\"b\"\"\nc\",\r\n\r\nembryo_2,,3\r\n");
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].set == std::vector<Annotation>{text("note", "a, \"b\"\nc")});
  CHECK(changes[1].set == std::vector<Annotation>{number("age", 3, "h")});
}

TEST_CASE("applying a table twice changes nothing the second time") {
  const Facility f;
  const std::string table = "image,species,age [min]\nembryo_1,G12,1200\nembryo_2,DSX,60\n";
  CHECK(f.catalog->annotate_all(f.read(table)) == 4);
  const auto before = f.catalog->dump();
  CHECK(f.catalog->annotate_all(f.read(table)) == 0);
  CHECK(f.catalog->dump() == before);
}

TEST_CASE("a table of a thousand columns is read") {
  const Facility f;
  std::string header = "image", row = "embryo_1";
  for (int i = 0; i < 1000; ++i) {
    header += ",k" + std::to_string(i);
    row += "," + std::to_string(i);
  }
  const auto changes = f.read(header + "\n" + row + "\n");
  CHECK(changes[0].set.size() == 1000);
  CHECK(f.catalog->annotate_all(changes) == 1000);
  CHECK(f.catalog->get("embryo_1").annotations.size() == 1001);
}

TEST_CASE("everything that is wrong with a table is shown together, and nothing is applied") {
  const Facility f;
  const auto before = f.catalog->dump();
  CHECK(
      f.refused("image,age [h],acquired\nembryo_1,old,2026-11-22\nembrio_2,3,2026-11-22\n,4 um,today\nembryo_1,5,\n") ==
      R"(plate.csv:2:10: error: annotation 'age' is a number in h, not 'old'
    2 | embryo_1,old,2026-11-22
      |          ^~~
plate.csv:3:1: error: the catalog has no image or result 'embrio_2'; did you mean 'embryo_2'?
    3 | embrio_2,3,2026-11-22
      | ^~~~~~~~
plate.csv:4:1: error: the row names no image
    4 | ,4 um,today
      | ^
plate.csv:4:2: error: annotation 'age' is declared as number in h, but 4 um was given
    4 | ,4 um,today
      |  ^~~~
plate.csv:4:7: error: annotation 'acquired' is a date, but "today" is none; write it as 2026-11-22 or 2026-11-22T08:15:00Z
    4 | ,4 um,today
      |       ^~~~~
plate.csv:5:1: error: 'embryo_1' has a row already, in line 2
    5 | embryo_1,5,
      | ^~~~~~~~
6 errors; nothing was annotated)");
  CHECK(f.catalog->dump() == before);
}

TEST_CASE("a header that cannot be used is refused") {
  const Facility f;
  const auto has = [&](const std::string& table, const std::string& message) {
    CAPTURE(table);
    CHECK(f.refused(table).find(message) != std::string::npos);
  };
  has("", "plate.csv:1:1: error: the table is empty");
  has("name,a\nembryo_1,1\n", "plate.csv:1:1: error: the first column is 'image', not 'name'");
  has("image,a,b,a\nembryo_1,1,2,3\n", "plate.csv:1:11: error: column 'a' stands here a second time");
  has("image,kind\nembryo_1,x\n", "plate.csv:1:7: error: 'kind' is a field that every image has");
  has("image,depth [furlong]\nembryo_1,1\n", "plate.csv:1:7: error: annotation 'depth': 'furlong' is not a unit");
  has("image,age [um]\nembryo_1,1\n",
      "plate.csv:1:7: error: annotation 'age' is declared as number in h; 'um' is no unit for it");
}

TEST_CASE("cells that do not fit their column are refused") {
  const Facility f;
  const auto has = [&](const std::string& table, const std::string& message) {
    CAPTURE(table);
    CHECK(f.refused(table).find(message) != std::string::npos);
  };
  has("image,a\nembryo_1,1,2\n", "plate.csv:2:1: error: this row has 3 cells, the first one 2");
  has("image,a\nembryo_1,\"open\n", "plate.csv:2:10: error: the closing quotation mark of this cell is missing");
  has("image,age\nembryo_1,18\n",
      "plate.csv:2:10: error: 18 has no unit; write '18 h', or 'age [h]' as the column's name");
  has("image,dose\nembryo_1,1 h\nembryo_2,2\n", "plate.csv:3:10: error: 2 has no unit; write '2 h', or 'dose [h]'");
  f.catalog->declare({"good", record::AnnotationType::boolean, ""});
  has("image,good\nembryo_1,maybe\n", "plate.csv:2:10: error: annotation 'good' is true or false, not 'maybe'");
}
