// What queries find, and what is said about those that do not fit the catalog.
#include <doctest/doctest.h>

#include "catalog/query/query.hpp"
#include "tests/catalog/fixture.hpp"

using namespace voxflow;
using namespace voxflow::test;
using catalog::query::parse;
using catalog::query::QueryError;
using Names = std::vector<std::string>;

namespace {
/// Three acquisitions; embryo_1 was denoised, and the denoised one segmented.
struct Facility : CatalogFixture {
  record::Manifest one =
      acquisition("embryo_1", {text("species", "G12"), number("age", 18, "h"), truth("good", true),
                               date("acquired", "2026-11-20T08:15:00Z"), text("instrument", "SPIM-1")});
  record::Manifest two = acquisition("embryo_2", {text("species", "DSX"), number("age", 1, "day"), truth("good", false),
                                                  date("acquired", "2026-11-21"), number("plate", 7)});
  record::Manifest three = acquisition("beads");
  record::Manifest denoised = result("denoised", {one});
  record::Manifest cells = result("cells", {denoised});
  std::unique_ptr<catalog::CatalogClient> catalog;

  Facility() {
    three.outputs[0].image->grid.spacing = {{{0.3}, {0.1}, {0.1}}};
    three.outputs[0].image->channels.resize(1);
    three.project = "calibration";
    two.published = "2026-11-20T08:00:02.000Z";
    cells.outputs[0].kind = "labels";
    cells.outputs[0].image = image_info(record::ImageKind::labels);
    cells.outputs[0].count = 42;
    for (const auto& m : {one, two, three, denoised, cells}) publish(m);
    catalog = open();
    catalog->ingest();
  }
  Names find(const std::string& query) const {
    const auto q = parse(query);
    const auto found = catalog->find(q);
    CHECK(catalog->count(q) == found.size());
    return names(found);
  }
  /// "message | hint" of the refusal.
  std::string refused(const std::string& query) const {
    try {
      catalog->check(parse(query));
    } catch (const QueryError& e) {
      return e.message() + (e.hint().empty() ? "" : " | " + e.hint());
    }
    return "accepted";
  }
};
const Facility& facility() {
  static const Facility shared;
  return shared;
}
const Names kAll{"beads", "embryo_1", "embryo_1 first_look/cells", "embryo_1 first_look/denoised", "embryo_2"};
}  // namespace

TEST_CASE("without a query everything is found, in order of name, page by page") {
  const Facility& f = facility();
  CHECK(f.find("") == kAll);
  CHECK(names(f.catalog->find(parse(""), {1, 2})) == Names{kAll[1], kAll[2]});
  CHECK(names(f.catalog->find(parse(""), {4, 10})) == Names{kAll[4]});
}

TEST_CASE("fields of the image are compared") {
  const Facility& f = facility();
  CHECK(f.find(R"(kind = "acquisition")") == Names{"beads", "embryo_1", "embryo_2"});
  CHECK(f.find(R"(kind in ("labels", "table"))") == Names{kAll[2]});
  CHECK(f.find(R"(project != "malaria")") == Names{"beads"});
  CHECK(f.find(R"(name = "embryo_2")") == Names{"embryo_2"});
  CHECK(f.find("id = \"" + image_id(f.two) + "\"") == Names{"embryo_2"});
  CHECK(f.find("channels = 1") == Names{"beads"});
  CHECK(f.find(R"(not channel = "GFP")") == Names{"beads"});
  CHECK(f.find("spacing.z < 500 nm") == Names{"beads"});
  CHECK(f.find("spacing.z = 0.3 um and spacing.y = 100 nm") == Names{"beads"});
  CHECK(f.find("shape.x = 400 and shape.y = 300 and shape.z = 20 and timepoints = 1") == kAll);
  CHECK(f.find(R"(dtype = "uint32")") == Names{kAll[2]});
  CHECK(f.find("count >= 42") == Names{kAll[2]});
  CHECK(f.find("exists count") == Names{kAll[2]});
  CHECK(f.find(R"(created >= "2026-11-21")") == Names{kAll[2], kAll[3]});
}

TEST_CASE("annotations are compared with units converted, and belong to their image alone") {
  const Facility& f = facility();
  CHECK(f.find(R"(species = "G12")") == Names{"embryo_1"});
  CHECK(f.find(R"(species != "G12")") == Names{"embryo_2"});
  CHECK(f.find("age between 18 h and 1 day") == Names{"embryo_1", "embryo_2"});
  CHECK(f.find("age = 24 h") == Names{"embryo_2"});
  CHECK(f.find("age < 1440 min") == Names{"embryo_1"});
  CHECK(f.find("age in (18 h, 2 days)") == Names{"embryo_1"});
  CHECK(f.find("good = true") == Names{"embryo_1"});
  CHECK(f.find("good != true") == Names{"embryo_2"});
  CHECK(f.find("plate = 7") == Names{"embryo_2"});
  CHECK(f.find(R"(kind = "acquisition" and not exists species)") == Names{"beads"});
  CHECK(f.find(R"(not species = "G12" and kind = "acquisition")") == Names{"beads", "embryo_2"});
  CHECK(f.find(R"(instrument = "SPIM-1")") == Names{"embryo_1"});
}

TEST_CASE("a date stands for as much as is written of it") {
  const Facility& f = facility();
  CHECK(f.find(R"(acquired = "2026-11-20")") == Names{"embryo_1"});
  CHECK(f.find(R"(acquired = "2026-11")") == Names{"embryo_1", "embryo_2"});
  CHECK(f.find(R"(acquired >= "2026-11-20")") == Names{"embryo_1", "embryo_2"});
  CHECK(f.find(R"(acquired > "2026-11-20")") == Names{"embryo_2"});
  CHECK(f.find(R"(acquired <= "2026-11-20")") == Names{"embryo_1"});
  CHECK(f.find(R"(acquired < "2026-11-20T09:00Z")") == Names{"embryo_1"});
  CHECK(f.find(R"(acquired.date = "2026-11-20")") == Names{"embryo_1"});
  CHECK(f.find(R"(acquired between "2026-11-20" and "2026-11-20")") == Names{"embryo_1"});
}

TEST_CASE("provenance is asked like any field") {
  const Facility& f = facility();
  CHECK(f.find(R"(derived_from("embryo_1"))") == Names{kAll[2], kAll[3]});
  CHECK(f.find("derived_from(\"" + image_id(f.denoised) + "\")") == Names{kAll[2]});
  CHECK(f.find(R"(has_result("first_look/cells"))") == Names{"embryo_1", kAll[3]});
  CHECK(f.find(R"(kind = "acquisition" and not has_result("first_look/cells"))") == Names{"beads", "embryo_2"});
  CHECK(f.find(R"(workflow = "first_look" and step = "cells" and kernel = "denoise.cells")") == Names{kAll[2]});
}

TEST_CASE("text that looks like SQL is only text") {
  const Facility& f = facility();
  CHECK(f.find(R"(name = "x' OR 1=1; DROP TABLE entity; --")").empty());
  CHECK(f.find(R"(species in ("\" OR 1=1", "%", "_12"))").empty());
  CHECK(f.find("") == kAll);
}

TEST_CASE("an unknown field gets the nearest name") {
  const Facility& f = facility();
  CHECK(f.refused(R"(speceis = "G12")") == "there is no field or annotation 'speceis'; did you mean 'species'?");
  CHECK(
      f.refused("spacing.w > 1 um").starts_with("there is no field or annotation 'spacing.w'; did you mean 'spacing."));
  CHECK(f.refused("exists nothing_like_it") == "there is no field or annotation 'nothing_like_it'");
}

TEST_CASE("a value of another type or unit is refused") {
  const Facility& f = facility();
  CHECK(f.refused("species = 12") == "'species' is text, not the number 12 | write \"12\"");
  CHECK(f.refused("species = true") == "'species' is text, not true | write \"true\"");
  CHECK(f.refused(R"(species > "A")") == "'species' is text, which has no order; use =, != or in");
  CHECK(f.refused(R"(species between "A" and "B")") == "'species' is text, which has no order; use =, != or in");
  CHECK(f.refused(R"(age = "old")") == "'age' is number in h, not a text");
  CHECK(f.refused("age = 18") == "'age' is number in h: 18 has no unit; write, for example, '18 h'");
  CHECK(f.refused("age = 18 um") == "'age' is number in h: 'um' is not a unit of time; write it in h");
  CHECK(f.refused("plate = 7 um") == "'plate' is number: 7 um has a unit, but a plain number is wanted");
  CHECK(f.refused("good = 1") == "'good' is bool, not a text or a number | write true or false");
  CHECK(f.refused("good < true") == "'good' is true or false, which has no order; use = or !=");
  CHECK(f.refused("acquired > 2026") ==
        "'acquired' is date, not a number or a truth value | write a date in quotes: \"2026-11-22\"");
  CHECK(f.refused(R"(acquired > "20.11.2026")") ==
        "\"20.11.2026\" is not a date | write it as \"2026-11-22\" or \"2026-11-22T08:15\"");
  CHECK(f.refused(R"(acquired > "2026-13-01")").starts_with("\"2026-13-01\" is not a date"));
}

TEST_CASE("values that no image can have are refused") {
  const Facility& f = facility();
  CHECK(f.refused(R"(kind = "acquisitoin")") ==
        "there is no kind \"acquisitoin\"; did you mean 'acquisition'? | allowed are acquisition, result, labels, "
        "mask, table, "
        "transform, psf");
  CHECK(f.refused(R"(dtype = "int16")").starts_with("there is no dtype \"int16\"; did you mean 'uint16'?"));
  CHECK(f.refused(R"(derived_from("embryo_9"))").find("the catalog has no image or result 'embryo_9'") == 0);
  CHECK(f.refused(R"(has_result("cells"))") ==
        "has_result wants a workflow and its step, not \"cells\" | has_result(\"first_look/cells\")");
  CHECK(f.refused("stale") ==
        "this catalog does not keep which results are stale | ask for one image or task: voxflow why IMAGE");
}

TEST_CASE("the message of a refused query shows the place of the value") {
  const Facility& f = facility();
  const auto message = message_of<QueryError>([&] { f.catalog->find(parse("project = \"malaria\" and age = 18 um")); });
  CHECK(message ==
        "query: 'age' is number in h: 'um' is not a unit of time; write it in h\n"
        "    project = \"malaria\" and age = 18 um\n"
        "                                  ^~~~~");
}

TEST_CASE("an image is got by its id, the first digits of its id, or its name") {
  const Facility& f = facility();
  const std::string id = image_id(f.two);
  CHECK(f.catalog->get(id).name == "embryo_2");
  CHECK(f.catalog->get(id.substr(0, 20)).name == "embryo_2");
  CHECK(f.catalog->get(id.substr(7, 8)).name == "embryo_2");
  CHECK(f.catalog->get("embryo_2").id == id);
  CHECK(f.catalog->get("task:" + f.cells.task_key->hex()).id == image_id(f.cells));
  CHECK(f.catalog->find_id(id)->name == "embryo_2");
  CHECK_FALSE(f.catalog->find_id("embryo_2"));
}

TEST_CASE("what stands for nothing or for several things is refused with names or a list") {
  Facility f;
  CHECK(message_of<UserError>([&] { f.catalog->get("embrio_2"); }) ==
        "the catalog has no image or result 'embrio_2'; did you mean 'embryo_2'?");
  CHECK(message_of<UserError>([&] {
          f.catalog->get("abcdef0");
        }).starts_with("the catalog has no image or result 'abcdef0'"));
  auto same_name = acquisition("embryo_2");
  same_name.outputs[0].content_digest = sha256("other voxels");
  f.publish(same_name);
  f.catalog->ingest();
  const auto message = message_of<UserError>([&] { f.catalog->get("embryo_2"); });
  CHECK(message.starts_with("'embryo_2' stands for 2 things in the catalog; give the id of one of them:\n  sha256:"));
  CHECK(message.find(image_id(same_name)) != std::string::npos);
  CHECK(message.find("(acquisition, project malaria, 2026-11-20T08:00:01.000Z)") != std::string::npos);
}

TEST_CASE("of several results of one step on one image the name stands for the latest") {
  Facility f;
  auto later = result("denoised", {f.two}, R"({"radius":0.5})");
  later.published = "2026-11-24T20:05:00.000Z";
  f.publish(later);
  f.catalog->ingest();
  CHECK(f.catalog->get("embryo_2 first_look/denoised").id == image_id(later));
}

TEST_CASE("conditions may be as many as one likes") {
  const Facility& f = facility();
  std::string names = "\"embryo_2\"", either = "name = \"embryo_2\"";
  for (int i = 0; i < 5000; ++i) {
    names += ", \"other_" + std::to_string(i) + "\"";
    either += " or name = \"other_" + std::to_string(i) + "\"";
  }
  CHECK(f.find("name in (" + names + ")") == Names{"embryo_2"});
  CHECK(f.find(either) == Names{"embryo_2"});
}

TEST_CASE("a step's several outputs are told apart by their ports") {
  Facility f;
  auto split = result("split", {f.two});
  split.outputs.push_back(split.outputs[0]);
  split.outputs[0].port = "left";
  split.outputs[1].port = "right";
  f.publish(split);
  f.catalog->ingest();
  CHECK(f.find(R"(step = "split")") == Names{"embryo_2 first_look/split.left", "embryo_2 first_look/split.right"});
}

TEST_CASE("published artifacts are told from those that are not, those of other projects among them") {
  const Facility& f = facility();
  const std::vector<std::string> artifacts{record::result_folder(f.cells.project, *f.cells.task_key),
                                           record::result_folder("elsewhere", *f.cells.task_key),
                                           record::result_folder(f.denoised.project, *f.denoised.task_key)};
  CHECK(f.catalog->published(artifacts) == std::vector<bool>{true, false, true});
}
