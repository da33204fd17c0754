// What single commands print and change.
#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>

#include "pipeline/core/files.hpp"
#include "tests/cli/facility.hpp"

namespace fs = std::filesystem;
using namespace voxflow::test;

namespace {
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void import_one(const Facility& facility, const std::string& name) {
  if (!fs::exists(facility / "facility")) facility.must({"phantom", "make", "facility", "--images", "1"});
  facility.must({"import", "facility/images/nuclei_1_C0.tif", "--project", "demo", "--name", name, "--annotate",
                 "species=G12", "--annotate", "time_post_infection=18 h", "--annotate", "acquired=2026-11-20",
                 "--annotate", "infected=true"});
}
}  // namespace

TEST_CASE("import types annotations by their values, and find compares them with units") {
  const Facility facility;
  import_one(facility, "first");
  const std::string keys = facility.must({"catalog", "keys"});
  CHECK(contains(keys, "time_post_infection  number  h"));
  CHECK(contains(keys, "acquired             date"));
  CHECK(contains(keys, "infected             bool"));
  const auto found = [&](const char* query) { return facility.must({"find", query, "--names"}) == "first\n"; };
  CHECK(found("species = \"G12\""));
  CHECK(found("time_post_infection between 1000 min and 1 day"));
  CHECK_FALSE(found("time_post_infection > 18 h"));
  CHECK(found("acquired >= \"2026-11-01\" and not (species = \"A\" or infected = false)"));
  CHECK(found("spacing.z = 500 nm"));
}

TEST_CASE("an archive made with --fletcher32 gives its images' chunks checksums, and is verified as others are") {
  const Facility facility;
  facility.must({"phantom", "make", "facility", "--images", "1"});
  const auto in_summed = [&](std::vector<std::string> arguments) {
    const Outcome outcome =
        run_program("voxflow", std::move(arguments), facility / "", {{"VOXFLOW_ARCHIVE", "summed"}});
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == 0);
    return outcome.out;
  };
  in_summed({"init", "summed", "--fletcher32"});
  CHECK(contains(::voxflow::read_file(facility / "summed/archive.json"), R"("chunk_checksum": "fletcher32")"));
  in_summed({"import", "facility/images/nuclei_1_C0.tif", "--project", "demo"});
  CHECK(contains(in_summed({"verify"}), "1 artifact verified, 0 damaged"));
}

TEST_CASE("the same content imported again, under another name, is the same acquisition") {
  const Facility facility;
  import_one(facility, "first");
  const auto before = facility.artifacts();
  const std::string again =
      facility.must({"import", "facility/images/nuclei_1_C0.tif", "--project", "demo", "--name", "second"});
  CHECK(contains(again, "was there"));
  CHECK(facility.artifacts() == before);
  CHECK(facility.must({"find", "--count"}) == "1\n");

  SUBCASE("it takes the annotations given now") {
    facility.must({"import", "facility/images/nuclei_1_C0.tif", "--project", "demo", "--annotate", "marker=H2B"});
    CHECK(contains(facility.must({"show", "first"}), "H2B"));
  }
  SUBCASE("its channels keep their names") {
    const Outcome outcome =
        facility.voxflow({"import", "facility/images/nuclei_1_C0.tif", "--project", "demo", "--channel-names", "GFP"});
    CHECK(outcome.exit_code == 2);
    CHECK(contains(outcome.err, "not 'GFP'; an acquisition is never changed"));
  }
}

TEST_CASE("an annotation that does not fit its key is refused before anything is imported") {
  const Facility facility;
  import_one(facility, "first");
  const auto before = facility.artifacts();
  const Outcome outcome = facility.voxflow({"import", "facility/images/nuclei_1_C1.tif", "--project", "demo",
                                            "--annotate", "time_post_infection=18 parsec"});
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "time_post_infection"));
  CHECK(facility.artifacts() == before);
}

TEST_CASE("a spacing given by a person is used, and what the file said is recorded beside it") {
  const Facility facility;
  facility.must({"phantom", "make", "facility", "--images", "1"});
  facility.must({"import", "facility/images/nuclei_1_C0.tif", "--project", "demo", "--name", "first", "--spacing",
                 "0.6,0.25,0.25 um"});
  CHECK(contains(facility.must({"show", "first"}), "0.6 x 0.25 x 0.25 um"));
  const std::string manifest = voxflow::read_file(facility.archive() / facility.artifacts().front() / "manifest.json");
  CHECK(contains(manifest, "overrides"));
}

TEST_CASE("annotate sets, replaces and removes; a dry run changes nothing") {
  const Facility facility;
  import_one(facility, "first");
  facility.must({"annotate", "first", "species=A1H1", "--remove", "infected"});
  const std::string shown = facility.must({"show", "first"});
  CHECK(contains(shown, "A1H1"));
  CHECK_FALSE(contains(shown, "infected"));
  const std::string before = facility.must({"catalog", "dump"});
  CHECK(contains(facility.must({"annotate", "first", "species=DSX", "--dry-run"}), "nothing was changed"));
  CHECK(facility.must({"catalog", "dump"}) == before);
}

TEST_CASE("a table with a mistake in one row changes no row") {
  const Facility facility;
  import_one(facility, "first");
  const std::string before = facility.must({"catalog", "dump"});
  facility.write("table.csv", "image,time_post_infection [h]\nfirst,20\nabsent,21\n");
  const Outcome outcome = facility.voxflow({"annotate", "--table", "table.csv"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "table.csv:3:"));
  CHECK(contains(outcome.err, "absent"));
  CHECK(facility.must({"catalog", "dump"}) == before);
}

TEST_CASE("find, show and catalog speak JSON to machines") {
  const Facility facility;
  import_one(facility, "first");
  const std::string list = facility.must({"find", "--json"});
  CHECK(contains(list, "\"shape_tczyx\""));
  CHECK(contains(list, "\"time_post_infection\": 18.0"));
  CHECK(contains(facility.must({"show", "first", "--json"}), "\"name\": \"first\""));
  CHECK(contains(facility.must({"--json", "catalog", "keys"}), "\"key\": \"time_post_infection\""));
  CHECK(contains(facility.must({"--json", "catalog", "check"}), "\"gaps\": []"));
  CHECK(contains(facility.must({"--json", "catalog", "ingest"}), "\"added\": 0"));
  CHECK(contains(facility.must({"--json", "catalog", "rebuild"}), "\"added\": 1"));
}

TEST_CASE("an unknown name suggests the nearest one") {
  const Facility facility;
  import_one(facility, "first");
  const Outcome outcome = facility.voxflow({"show", "frist"});
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "'first'"));
}

TEST_CASE("an unknown command suggests the nearest one, and a number of results is positive") {
  const Facility facility;
  const Outcome outcome = facility.voxflow({"fnd"});
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "'fnd' is not a command; did you mean 'find'?"));
  CHECK(facility.voxflow({"find", "--limit", "-1"}).exit_code == 2);
  for (const char* program : {"voxflow-batch", "voxflow-worker"})
    CHECK(run_program(program, {"--none"}).exit_code == 2);
}

TEST_CASE("text that is not UTF-8 is refused, with what to do") {
  const Facility facility;
  import_one(facility, "first");
  const std::string table = facility.write("names.csv", "image,person\nfirst,M\xfcller\n").string();
  const Outcome annotated = facility.voxflow({"annotate", "--table", table});
  CHECK(annotated.exit_code == 2);
  CHECK(contains(annotated.err, "annotation 'person' holds bytes that are no UTF-8 text; save the file as UTF-8"));
  const Outcome imported =
      facility.voxflow({"import", "facility/images/nuclei_1_C1.tif", "--project", "demo", "--name", "two\nlines"});
  CHECK(imported.exit_code == 2);
  CHECK(contains(imported.err, "the image's name is empty or holds bytes that are no UTF-8 text on one line"));
}

TEST_CASE("content that another project has is said to be so, and found in both") {
  const Facility facility;
  import_one(facility, "first");
  const std::string again =
      facility.must({"import", "facility/images/nuclei_1_C0.tif", "--project", "other", "--name", "second"});
  CHECK(contains(again, "(the same as 'first' of project demo)"));
  CHECK(facility.must({"find", "project = \"other\"", "--names"}) == "first\n");
}

TEST_CASE("who may not write the catalog is told so before anything lies beside it") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can be somebody else");
    return;
  }
  const Facility facility;
  import_one(facility, "first");
  fs::permissions(facility.archive() / "..", fs::perms::others_read | fs::perms::others_exec, fs::perm_options::add);
  const Outcome outcome =
      run_program("setpriv", {"--reuid=65534", "--regid=65534", "--clear-groups", (bin_folder() / "voxflow").string(),
                              "--archive", facility.archive().string(), "find"});
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "you may not write the catalog '"));
  CHECK_FALSE(fs::exists(facility.archive() / "catalog.sqlite-wal"));
}

TEST_CASE("in an archive that a group may write, what one makes is the group's") {
  const Facility facility;
  import_one(facility, "first");
  const auto group_may_write = [&](const char* path) {
    return (fs::status(facility.archive() / path).permissions() & fs::perms::group_write) != fs::perms::none;
  };
  for (const char* path : {".", "catalog.sqlite", "events/log", "demo", "demo/acquisitions"})
    CHECK(group_may_write(path));
}
