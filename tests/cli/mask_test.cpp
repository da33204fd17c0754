// voxflow import --mask, check, mask test, quarantine: as facility staff use them.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/cli/facility.hpp"
#include "tests/support/contains.hpp"

namespace fs = std::filesystem;
using namespace voxflow::test;

namespace {
const std::string kMask = (project_folder() / "examples/masks/phantom_confocal.yaml").string();

std::string with_rule(const Facility& facility, const std::string& rule) {
  return facility
      .write("mask.yaml",
             "voxflow_mask: 1\nmask: strict\nfiles: \"{name}_C{channel}.tif\"\nquality: { " + rule + " }\n")
      .string();
}
}  // namespace

TEST_CASE(
    "a folder is imported through a mask: names and channels, annotations, verdict; a second time nothing is read") {
  const Facility facility;
  facility.must({"phantom", "make", "facility", "--images", "2"});
  has(facility.must({"check", kMask}), "mask 'phantom_confocal' is sound: 1 pattern, 1 annotations");
  const std::string out = facility.must({"import", "facility/images", "--mask", kMask, "--project", "demo"});
  has(out, "nuclei_1");
  has(out, "4 of 4 imported");
  CHECK(facility.must({"find", "instrument = \"phantom confocal\" and channels = 2 and exists qc", "--count"}) ==
        "4\n");
  const std::string shown = facility.must({"show", "nuclei_1"});
  has(shown, "DAPI, LaminB1");
  has(shown, "nuclei_1_C0.tif and 1 more");
  has(shown, "phantom_confocal");
  // What an import that died long ago left is swept away by the next one.
  const fs::path left = facility.archive() / "demo/acquisitions/.tmp-elsewhere-1-abcdef";
  fs::create_directory(left);
  fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(49));
  has(facility.must({"import", "facility/images", "--mask", kMask, "--project", "demo"}),
      "4 of 4 imported, 4 of them before");
  CHECK(facility.leftovers().empty());
}

TEST_CASE("a mask's mistakes are shown with place and remedy by check and by import; nothing is imported") {
  const Facility facility;
  const std::string mask =
      facility.write("bad.yaml", "voxflow_mask: 1\nmask: m\nfiles: \"{name}.tif\"\nkep: copy\n").string();
  for (const auto& arguments :
       {std::vector<std::string>{"check", mask}, {"import", ".", "--mask", mask, "--project", "demo"}}) {
    const Outcome outcome = facility.voxflow(arguments);
    CHECK(outcome.exit_code == 2);
    has(outcome.err, "bad.yaml:4:1: error: the mask has no key 'kep'; did you mean 'keep'?");
    has(outcome.err, "1 error; nothing was imported");
  }
  has(facility.voxflow({"import", ".", "--mask", kMask, "--project", "demo"}).err,
      "files is named as mask 'phantom_confocal' says");
  has(facility.voxflow({"import", ".", "--mask", kMask, "--project", "demo", "--pages", "t"}).err,
      "--pages is not for use with --mask: the mask says it");
}

TEST_CASE("a mask's annotations have to fit the catalog's keys") {
  const Facility facility;
  facility.must({"phantom", "make", "facility", "--images", "1"});
  facility.must({"import", "facility/images/nuclei_1_C0.tif", "--project", "demo", "--annotate", "dose=3 h"});
  const std::string mask =
      facility
          .write("mask.yaml",
                 "voxflow_mask: 1\nmask: m\nfiles: \"{name}.tif\"\nannotations: { dose: { from: name } }\n")
          .string();
  const Outcome outcome = facility.voxflow({"import", "facility/images", "--mask", mask, "--project", "demo"});
  CHECK(outcome.exit_code == 2);
  has(outcome.err, "annotation 'dose' is text here, but the catalog declares it as number in h");
}

TEST_CASE("rejected images wait in quarantine until a person accepts them, with a reason") {
  const Facility facility;
  facility.must({"phantom", "make", "facility", "--images", "1"});
  fs::remove(facility / "facility/images/beads_1_C0.tif");
  fs::remove(facility / "facility/images/beads_1_C1.tif");
  const std::string mask = with_rule(facility, "snr: { reject: 1000 }");
  const Outcome outcome = facility.voxflow({"import", "facility/images", "--mask", mask, "--project", "demo"});
  CHECK(outcome.exit_code == 1);
  has(outcome.err, "rejected, in quarantine as ");
  has(outcome.out, "1 in quarantine");
  CHECK(facility.must({"find", "--count"}) == "0\n");
  const std::string listed = facility.must({"quarantine", "list"});
  has(listed, "snr: channel '");
  has(listed, "1 image in quarantine");
  has(facility.must({"mask", "test", mask}), "mask 'strict' on 1 of 1 images: 0 ok, 0 with warnings, 1 rejected");
  const std::string line = listed.substr(listed.find('\n') + 1);
  const std::string id = line.substr(0, line.find(' '));
  has(facility.must({"quarantine", "accept", id, "--because", "the only one"}), "the only one");
  CHECK(facility.must({"find", "qc = \"reject\" and qc_accepted_because = \"the only one\"", "--count"}) == "1\n");
  has(facility.must({"quarantine", "list"}), "0 images in quarantine");
  has(facility.voxflow({"quarantine", "accept", "zzz", "--because", "x"}).err,
      "nothing in quarantine has the id 'zzz'");
}

TEST_CASE("a trial of a mask shows grouping, metrics and would-be rejects of the last images, and changes nothing") {
  const Facility facility;
  facility.must({"phantom", "make", "facility", "--images", "2"});
  const std::string mask = with_rule(facility, "snr: { reject: 1000 }");
  const std::string out = facility.must({"mask", "test", mask, "--last", "3", "facility/images"});
  has(out, "mask 'strict' on 3 of 4 images: 0 ok, 0 with warnings, 3 rejected; nothing was changed");
  has(out, "median");
  has(out, "saturated");
  has(facility.voxflow({"--json", "mask", "test", mask, "facility/images"}).out, "\"quantiles\"");
  CHECK(facility.artifacts().empty());
  const Outcome none = facility.voxflow({"mask", "test", mask});
  CHECK(none.exit_code == 2);
  has(none.err, "no image of the archive came through mask 'strict'; name files or folders to try it on");
}

TEST_CASE("the same content from other files is a second location that show lists; kept files are named") {
  const Facility facility;
  facility.must({"phantom", "make", "facility", "--images", "1"});
  facility.must({"import", "facility/images/nuclei_1_C0.tif", "--project", "demo", "--keep", "copy"});
  fs::copy_file(facility / "facility/images/nuclei_1_C0.tif", facility / "copy.tif");
  has(facility.must({"import", "copy.tif", "--project", "demo"}), "nuclei_1_C0 (was there)");
  const std::string shown = facility.must({"show", "nuclei_1_C0"});
  has(shown, "imported from");
  has(shown, (facility / "copy.tif").string());
  has(shown, "/demo/raw/");
  has(facility.must({"verify"}), "2 artifacts verified, 0 damaged");
}
