// Tables, their canonical text and their digest.
#include "pipeline/core/table.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/messages.hpp"

using namespace voxflow;
using test::message_of;

namespace {
using Integers = std::vector<std::int64_t>;
using Numbers = std::vector<double>;
using Texts = std::vector<std::string>;

Table objects() {
  Table table;
  table.add({"label", "", Integers{1, 2}});
  table.add({"volume_um3", "um3", Numbers{0.1, 100000}});
  table.add({"name", "", Texts{"a\tb", ""}});
  return table;
}
}  // namespace

TEST_CASE("the canonical text has one header line, tabs, and numbers that read back the same") {
  CHECK(objects().to_tsv() == "label\tvolume_um3\tname\n1\t0.1\ta b\n2\t100000\t\n");
  CHECK(Table().to_tsv() == "\n");
}

TEST_CASE("columns are of equal length and have names of their own") {
  Table table = objects();
  CHECK(message_of<InternalError>([&] { table.add({"z", "um", Numbers{1}}); }) == "column 'z' has 1 rows, the table 2");
  CHECK(message_of<InternalError>([&] {
          table.add({"label", "", Integers{1, 2}});
        }) == "the table has two columns 'label'");
}

TEST_CASE("a column is found by name, and a near miss gets a suggestion") {
  CHECK(objects().column("volume_um3").unit == "um3");
  CHECK(message_of<UserError>([] { objects().column("lable"); }) ==
        "the table has no column 'lable'; did you mean 'label'?");
}

TEST_CASE("rows of tables with the same columns are joined in order") {
  Table table;
  table.append(objects());
  table.append(objects());
  CHECK(table.rows() == 4);
  CHECK(std::get<Integers>(table.column("label").values) == Integers{1, 2, 1, 2});
}

TEST_CASE("tables of different columns are not joined") {
  Table fewer, other;
  fewer.add({"label", "", Integers{3}});
  other.add({"label", "", Numbers{3}});
  CHECK(message_of<InternalError>([&] { objects().append(fewer); }) == "tables of different columns cannot be joined");
  CHECK(message_of<InternalError>([&] { fewer.append(other); }) ==
        "tables of different columns 'label' cannot be joined");
}

TEST_CASE("the digest changes with every name, unit, type and value, and with nothing else") {
  const auto digest = [](Column column) {
    Table t;
    t.add(std::move(column));
    return t.content_digest();
  };
  const Digest d = digest({"size", "um", Numbers{1, 2}});
  CHECK(d == digest({"size", "um", Numbers{1, 2}}));
  CHECK(d != digest({"sizes", "um", Numbers{1, 2}}));
  CHECK(d != digest({"size", "nm", Numbers{1, 2}}));
  CHECK(d != digest({"size", "um", Integers{1, 2}}));
  CHECK(d != digest({"size", "um", Numbers{1, 3}}));
  CHECK(d != digest({"size", "um", Numbers{2, 1}}));
  CHECK(digest({"x", "", Numbers{0.0}}) == digest({"x", "", Numbers{-0.0}}));
  CHECK(digest({"x", "", Numbers{std::nan("")}}) == digest({"x", "", Numbers{-std::nan("1")}}));
}

TEST_CASE("a golden digest: an accidental change of the canonical form changes every table's identity") {
  CHECK(objects().content_digest().hex() == "1336139cf061fa34c8ce7fc46f1f01372ddbe26e0a1eaa090c137c87f10d2f6f");
}

TEST_CASE("a table reads back from its text: whole numbers, numbers, texts") {
  const Table back = Table::from_tsv("label\tsize\tname\n1\t0.5\ta b\n2\t3\t7x\n");
  CHECK(std::get<Integers>(back.column("label").values) == Integers{1, 2});
  CHECK(std::get<Numbers>(back.column("size").values) == Numbers{0.5, 3});
  CHECK(std::get<Texts>(back.column("name").values) == Texts{"a b", "7x"});
  CHECK(Table::from_tsv(objects().to_tsv()).to_tsv() == objects().to_tsv());
  CHECK(message_of<UserError>([] { Table::from_tsv(""); }) == "the table is empty: a header line is wanted");
  CHECK(message_of<UserError>([] { Table::from_tsv("a\tb\n1\n"); }) ==
        "line 2 of the table has 1 fields, its header 2");
}
