// How things came about: links both ways, the record of what made them, and its exports.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "catalog/provenance/provenance.hpp"
#include "tests/catalog/fixture.hpp"

using namespace voxflow;
using namespace voxflow::test;
using catalog::Direction;
using Json = nlohmann::json;

namespace {
/// embryo and beads give `aligned`, which gives `cells`.
struct Facility : CatalogFixture {
  record::Manifest embryo = acquisition("embryo_1"), beads = acquisition("beads");
  record::Manifest aligned = result("aligned", {embryo, beads});
  record::Manifest cells = result("cells", {aligned});
  std::unique_ptr<catalog::CatalogClient> catalog;
  Facility() {
    cells.published = "2026-11-21T20:10:00.000Z";
    for (const auto& m : {cells, aligned, beads, embryo}) publish(m);
    catalog = open();
    catalog->ingest();
  }
};

const Facility& facility() {
  static const Facility shared;
  return shared;
}

std::vector<std::string> ends(const std::vector<catalog::Link>& links) {
  std::vector<std::string> out;
  for (const auto& l : links) out.push_back(l.role + ":" + l.source.substr(0, 14) + ">" + l.entity.substr(0, 14));
  return out;
}
std::string arrow(const std::string& role, const record::Manifest& source, const record::Manifest& entity) {
  return role + ":" + image_id(source).substr(0, 14) + ">" + image_id(entity).substr(0, 14);
}
}  // namespace

TEST_CASE("lineage is walked both ways, with the ports as roles") {
  const Facility& f = facility();
  CHECK(ends(f.catalog->lineage(image_id(f.cells), Direction::ancestors)) ==
        std::vector<std::string>{arrow("image", f.embryo, f.aligned), arrow("input1", f.beads, f.aligned),
                                 arrow("image", f.aligned, f.cells)});
  CHECK(ends(f.catalog->lineage(image_id(f.beads), Direction::descendants)) ==
        std::vector<std::string>{arrow("input1", f.beads, f.aligned), arrow("image", f.aligned, f.cells)});
  CHECK(f.catalog->lineage(image_id(f.embryo), Direction::ancestors).empty());
}

TEST_CASE("a result knows what generated it") {
  const Facility& f = facility();
  const auto a = f.catalog->generated_by(image_id(f.cells));
  REQUIRE(a);
  CHECK(a->workflow == "first_look");
  CHECK(a->step == "cells");
  CHECK(a->kernel == "denoise.cells");
  CHECK(a->kernel_version == 1);
  CHECK(a->status == "done");
  CHECK(a->agent == "anna");
  CHECK(a->software == "voxflow 0.1.0");
  CHECK(a->host == "node01");
  CHECK(a->job == "4711");
  CHECK(a->params == R"({"radius":0.3})");
  CHECK(a->identity == f.cells.identity);
  CHECK(a->task_key == f.cells.task_key);
  CHECK(a->id == f.event_of(f.cells).id);
  CHECK_FALSE(f.catalog->generated_by(image_id(f.embryo)));
}

TEST_CASE("the history of a step on an image has every parameter set and every failure, newest first") {
  Facility f;
  auto other = result("cells", {f.aligned}, R"({"radius":0.5})");
  other.published = "2026-11-22T20:10:00.000Z";
  f.publish(other);
  const record::Failure failure{sha256("key"), "run-2",     "cells",  "embryo_1", 2,
                                "crash",       "signal 11", "node02", "cells.log"};
  f.emit(record::failed_event(failure, "2026-11-22T21:00:00.000Z"));
  f.catalog->ingest();
  const auto history = f.catalog->history("first_look", "cells", image_id(f.embryo));
  REQUIRE(history.size() == 3);
  CHECK(history[0].status == "failed");
  CHECK(history[0].failure_class == "crash");
  CHECK(history[0].message == "signal 11");
  CHECK(history[0].host == "node02");
  CHECK(history[0].attempt == 2);
  CHECK(history[1].params == R"({"radius":0.5})");
  CHECK(history[2].params == R"({"radius":0.3})");
  CHECK(f.catalog->history("first_look", "aligned", image_id(f.beads)).size() == 1);
  CHECK(f.catalog->history("other", "cells", image_id(f.beads)).empty());
}

TEST_CASE("a whole record has no defects") {
  const Facility& f = facility();
  CHECK(catalog::provenance_defects(*f.catalog).empty());
}

TEST_CASE("each gap of the record is named") {
  Facility f;
  auto bare = result("bare", {});
  bare.params = "";
  bare.workflow_sha256 = bare.kernel = bare.host = bare.agent = bare.software = "";
  bare.kernel_version = 0;
  f.publish(bare);
  f.publish(result("orphan", {acquisition("never_imported")}));
  f.catalog->ingest();
  const auto defects = catalog::provenance_defects(*f.catalog);
  const auto has = [&](const std::string& name, const std::string& what) {
    CAPTURE(what);
    CHECK(std::any_of(defects.begin(), defects.end(), [&](const std::string& d) {
      return d.find(name) != std::string::npos && d.find(": " + what) != std::string::npos;
    }));
  };
  for (const char* what : {"no workflow hash", "no kernel", "no kernel version", "no host", "no agent",
                           "no software version", "no source"})
    has("first_look/bare", what);
  has("first_look/orphan", "source " + image_id(acquisition("never_imported")) + " is not in the catalog");
}

TEST_CASE("the lineage is shown as a tree, oldest first") {
  const Facility& f = facility();
  const auto short_id = [](const record::Manifest& m) { return image_id(m).substr(0, image_id(m).find(':') + 13); };
  const std::string aligned =
      "  embryo_1 first_look/aligned  [result]  denoise.aligned version 1  2026-11-21  " + short_id(f.aligned);
  CHECK(catalog::lineage_text(*f.catalog, "embryo_1 first_look/cells") ==
        "beads  [acquisition]  2026-11-20  " + short_id(f.beads) + "\n" + aligned + "\n" +
            "    embryo_1 first_look/cells  [result]  denoise.cells version 1  2026-11-21  " + short_id(f.cells) +
            "  <== this one\n" + "embryo_1  [acquisition]  2026-11-20  " + short_id(f.embryo) + "\n" + aligned +
            "  (see above)\n");
}

TEST_CASE("PROV-JSON holds the entities, activities, agents and all five relations") {
  const Facility& f = facility();
  const Json j = Json::parse(catalog::prov_json(*f.catalog, "embryo_1 first_look/cells"));
  CHECK(j.at("entity").size() == 4);
  CHECK(j.at("activity").size() == 2);
  CHECK(j.at("agent").size() == 2);
  CHECK(j.at("used").size() == 3);
  CHECK(j.at("wasGeneratedBy").size() == 2);
  CHECK(j.at("wasDerivedFrom").size() == 3);
  CHECK(j.at("wasAssociatedWith").size() == 4);
  const Json& activity = j["activity"].at("activity:" + f.event_of(f.cells).id);
  CHECK(activity.at("voxflow:kernel") == "denoise.cells");
  CHECK(activity.at("voxflow:parameters") == R"({"radius":0.3})");
  CHECK(activity.at("prov:startTime") == "2026-11-21T20:00:00.000Z");
  CHECK(j["entity"].at(image_id(f.embryo)).at("prov:label") == "embryo_1");
  CHECK(j["agent"].at("agent:anna").at("prov:type").at("$") == "prov:Person");
}

TEST_CASE("every name in PROV-JSON has a declared prefix, and every relation its two ends") {
  const Facility& f = facility();
  const Json j = Json::parse(catalog::prov_json(*f.catalog, image_id(f.cells)));
  const auto known = [&](const std::string& name) { return j["prefix"].contains(name.substr(0, name.find(':'))); };
  for (const char* section : {"entity", "activity", "agent"})
    for (const auto& [id, record] : j[section].items()) CHECK(known(id));
  const auto ends_exist = [&](const char* relation, const char* a, const char* section_a, const char* b,
                              const char* section_b) {
    for (const auto& [id, r] : j[relation].items()) {
      CHECK(j[section_a].contains(r.at(a).get<std::string>()));
      CHECK(j[section_b].contains(r.at(b).get<std::string>()));
    }
  };
  ends_exist("used", "prov:activity", "activity", "prov:entity", "entity");
  ends_exist("wasGeneratedBy", "prov:entity", "entity", "prov:activity", "activity");
  ends_exist("wasDerivedFrom", "prov:generatedEntity", "entity", "prov:usedEntity", "entity");
  ends_exist("wasAssociatedWith", "prov:activity", "activity", "prov:agent", "agent");
}

TEST_CASE("a result that was computed again has the last activity alone") {
  Facility f;
  auto again = f.cells;
  again.outputs[0].content_digest = sha256("other voxels");
  again.published = "2026-11-23T00:00:00.000Z";
  again.host = "node09";
  f.emit(f.event_of(again));
  f.catalog->ingest();
  CHECK(f.catalog->generated_by(image_id(f.cells))->host == "node09");
  CHECK(f.catalog->lineage(image_id(f.cells), Direction::ancestors).size() == 3);
}
