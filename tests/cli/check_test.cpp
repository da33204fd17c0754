// voxflow check on artifacts: by folder, file and name, for people and for programs.
#include <doctest/doctest.h>

#include <filesystem>

#include "pipeline/core/files.hpp"
#include "tests/cli/facility.hpp"
#include "tests/support/contains.hpp"

namespace fs = std::filesystem;
using namespace voxflow::test;

namespace {
const Facility& facility() {
  static const Facility made;
  static const bool imported = [] {
    made.import_phantom(1);
    return true;
  }();
  CHECK(imported);
  return made;
}
}  // namespace

TEST_CASE("an artifact is found by its folder, by its file and by its name") {
  const std::string folder = (facility().archive() / facility().artifacts().front()).string();
  CHECK(facility().must({"check", folder}) == folder + " is sound\n");
  CHECK(facility().must({"check", folder + "/data.h5", "--layout-only"}) == folder + "/data.h5 is sound\n");
  CHECK(facility().must({"check", "nuclei_1"}) == "nuclei_1 is sound\n");
  has(facility().voxflow({"check", "nucleus_1"}).err, "nucleus_1");
  has(facility().voxflow({"check", "none.yaml"}).err, "none.yaml");
}

TEST_CASE("a broken rule is said, and exits with 2") {
  const fs::path artifact = facility().archive() / facility().artifacts().front();
  fs::create_directory(facility() / "copy");
  for (const char* name : {"data.h5", "data.xml"}) {
    fs::copy_file(artifact / name, facility() / "copy" / name);
    fs::permissions(facility() / "copy" / name, fs::perms::owner_write, fs::perm_options::add);
  }
  const fs::path xml = facility() / "copy/data.xml";
  std::string text = voxflow::read_file(xml);
  text.replace(text.find("<last>0</last>"), 14, "<last>7</last>");
  voxflow::write_file_atomically(xml, text);
  const Outcome outcome = facility().voxflow({"check", "copy"});
  CHECK(outcome.exit_code == 2);
  CHECK(
      outcome.out ==
      "copy/data.h5: data.xml: its timepoints are 0 to 7; allowed: 0 to 0, as in the image; restore the artifact with "
      "`voxflow verify --repair`, or make it again from its source (rule 'xml-timepoints')\ncopy breaks 1 rule\n");
  const Outcome json = facility().voxflow({"check", "copy", "--json"});
  CHECK(json.exit_code == 2);
  has(json.out, "\"rule\": \"xml-timepoints\"");
  has(json.out, "\"sound\": false");
}
