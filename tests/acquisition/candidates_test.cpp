// Which files make up which images, as a mask says.
#include "pipeline/acquisition/candidates.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "pipeline/core/error.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/temporary.hpp"

namespace fs = std::filesystem;
using namespace voxflow;
using namespace voxflow::acquisition;
using namespace voxflow::test;

namespace {
Mask mask_of(const std::string& rest) {
  return parse_mask({"mask.yaml", "voxflow_mask: 1\nmask: m\n" + rest});
}

Candidates of(const std::string& mask, const std::vector<fs::path>& files) {
  return candidates(mask_of(mask), files);
}

std::vector<std::string> names(const interop::ImportRequest& request) {
  std::vector<std::string> all;
  for (const fs::path& file : request.files) all.push_back(file.filename().string());
  return all;
}

std::string findings_of(const Candidate& candidate) {
  std::string all;
  for (const Finding& f : candidate.findings)
    all += f.rule + " " + std::string(to_string(f.verdict)) + ": " + f.text + "\n";
  return all;
}
}  // namespace

TEST_CASE("timepoints come in the order of their numbers, also unpadded") {
  const auto found = of("files: \"v--T{timepoint}.tif\"\n", {"/d/v--T10.tif", "/d/v--T9.tif", "/d/v--T11.tif"});
  REQUIRE(found.images.size() == 1);
  CHECK(names(found.images[0].request) == std::vector<std::string>{"v--T9.tif", "v--T10.tif", "v--T11.tif"});
  CHECK(found.images[0].request.grid.timepoints == 3);
  CHECK(found.images[0].findings.empty());
}

TEST_CASE("files stand along timepoints, channels and planes at once") {
  std::vector<fs::path> files;
  for (const char* t : {"1", "2"})
    for (const char* c : {"DAPI", "GFP"})
      for (const char* z : {"01", "02", "03"})
        files.emplace_back(std::string("/d/a_T") + t + "_" + c + "_Z" + z + ".tif");
  std::reverse(files.begin(), files.end());
  const auto found = of("files: \"{name}_T{timepoint}_{channel}_Z{plane}.tif\"\n", files);
  REQUIRE(found.images.size() == 1);
  const interop::ImportRequest& request = found.images[0].request;
  CHECK(request.grid.timepoints == 2);
  CHECK(request.grid.channels == 2);
  CHECK(request.grid.planes == 3);
  CHECK(names(request).front() == "a_T1_DAPI_Z01.tif");
  CHECK(names(request)[3] == "a_T1_GFP_Z01.tif");
  CHECK(names(request).back() == "a_T2_GFP_Z03.tif");
  CHECK(request.name == "a");
}

TEST_CASE("what names differ in but the axes, and the folder, part images") {
  const std::string mask = "files: \"{name}_C{channel}.tif\"\n";
  CHECK(of(mask, {"/d/a_C0.tif", "/d/a_C1.tif", "/d/b_C0.tif"}).images.size() == 2);
  CHECK(of(mask, {"/d/a_C0.tif", "/e/a_C1.tif"}).images.size() == 2);
  const std::string folders = "files: \"{name}/C{channel}.tif\"\n";
  CHECK(of(folders, {"/d/a/C0.tif", "/d/a/C1.tif", "/d/b/C0.tif"}).images.size() == 2);
  // A folder that the pattern takes as an axis does not part.
  CHECK(of("files: \"T{timepoint}/{name}.tif\"\n", {"/d/T1/a.tif", "/d/T2/a.tif"}).images.size() == 1);
}

TEST_CASE("files of other forms are left aside and named; the first pattern that fits counts") {
  const auto found = of("files: [\"a_{name}.tif\", \"{name}.tif\"]\n", {"/d/a_1.tif", "/d/b.tif", "/d/notes.txt"});
  CHECK(found.images.size() == 2);
  CHECK(found.images[0].request.name == "1");
  CHECK(found.unmatched == std::vector<fs::path>{"/d/notes.txt"});
}

TEST_CASE("parts of names become typed annotations") {
  const auto found =
      of("files: \"{day}_{species}_{hours}h.tif\"\nname: \"{species} at {hours}\"\n"
         "annotations:\n  acquired: { from: day, type: date }\n  species: { from: species }\n"
         "  time_post_infection: { from: hours, unit: h }\n  objective: 63x\n",
         {"/d/20261125_G12_18.5h.tif"});
  REQUIRE(found.images.size() == 1);
  using record::AnnotationType;
  const std::vector<record::Annotation> wanted{{{"acquired", AnnotationType::date, ""}, "2026-11-25"},
                                               {{"species", AnnotationType::text, ""}, "G12"},
                                               {{"time_post_infection", AnnotationType::number, "h"}, 18.5},
                                               {{"objective", AnnotationType::text, ""}, "63x"}};
  CHECK(found.images[0].request.annotations == wanted);
  CHECK(found.images[0].request.name == "G12 at 18.5");
}

TEST_CASE("a value that the mask does not allow is a finding with the file and what is allowed") {
  const auto found = of("files: \"{species}.tif\"\nannotations: { species: { from: species, values: [G12, A1H1] } }\n",
                        {"/d/G13.tif"});
  CHECK(findings_of(found.images[0]) ==
        "annotation_values reject: species is 'G13' in the name of '/d/G13.tif', allowed G12, A1H1; did you mean "
        "'G12'?\n");
}

TEST_CASE("a timepoint without file is found, and rejects or warns as the mask says") {
  const std::string mask = "files: \"T{timepoint}.tif\"\n";
  const std::vector<fs::path> files{"/d/T1.tif", "/d/T2.tif", "/d/T5.tif"};
  CHECK(findings_of(of(mask, files).images[0]) ==
        "missing_timepoints reject: timepoint 3, 4 has no file in '/d', which has files of 1 to 5\n");
  CHECK(of(mask, files).images[0].whole);
  has(findings_of(of(mask + "quality: { missing_timepoints: warn }\n", files).images[0]), "missing_timepoints warn");
  CHECK(of(mask + "quality: { missing_timepoints: ok }\n", files).images[0].findings.empty());
}

TEST_CASE("a channel's or plane's file that is missing, or there twice, leaves no image") {
  const auto hole = of("files: \"T{timepoint}_C{channel}.tif\"\n", {"/d/T1_C0.tif", "/d/T1_C1.tif", "/d/T2_C0.tif"});
  CHECK(!hole.images[0].whole);
  has(findings_of(hole.images[0]), "incomplete reject: timepoint 2, channel 1 has no file beside '/d/T1_C0.tif'");
  const auto gap = of("files: \"Z{plane}.tif\"\n", {"/d/Z1.tif", "/d/Z3.tif"});
  CHECK(!gap.images[0].whole);
  has(findings_of(gap.images[0]), "incomplete reject: plane 2 has no file in '/d'");
  const auto twice = of("files: \"T{timepoint}.tif\"\n", {"/d/T1.tif", "/d/T01.tif"});
  CHECK(!twice.images[0].whole);
  has(findings_of(twice.images[0]), "incomplete reject: '/d/T1.tif' and '/d/T01.tif' are both timepoint 1");
}

TEST_CASE("folders are walked in natural order, hidden files passed over, and paths have to exist") {
  const TestFolder folder;
  fs::create_directories(folder / "in/.hidden");
  for (const char* file : {"in/T10.tif", "in/T9.tif", "in/.T1.tif", "in/.hidden/T2.tif"})
    std::ofstream(folder / file) << "x";
  const auto files = walk({folder / "in", folder / "in/T9.tif"});
  REQUIRE(files.size() == 2);
  CHECK(files[0].filename() == "T9.tif");
  CHECK(files[1].filename() == "T10.tif");
  has(message_of<UserError>([&] { walk({folder / "absent"}); }), "absent' does not exist");
}
