// voxflow link: readable names that lead to images and results, and never anything else in their place.
#include <doctest/doctest.h>

#include <filesystem>

#include "tests/cli/facility.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/oracles.hpp"

namespace fs = std::filesystem;
using namespace voxflow::test;

namespace {
/// Two images of nuclei and one of beads, with the results of first_look on the nuclei.
const Facility& facility() {
  static const Facility made;
  static const bool ran = [] {
    made.import_phantom(2);
    made.must({"run", (project_folder() / "workflows/first_look.yaml").string()});
    return true;
  }();
  CHECK(ran);
  return made;
}

Outcome link(const std::string& query, const std::string& into, const std::string& name,
             std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"link", query, "--into", into, "--name", name});
  return facility().voxflow(more);
}

std::string must_link(const std::string& query, const std::string& into, const std::string& name,
                      const std::vector<std::string>& more = {}) {
  const Outcome outcome = link(query, into, name, more);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  return outcome.out;
}

std::string refusal(const std::string& query, const std::string& into, const std::string& name) {
  const Outcome outcome = link(query, into, name);
  INFO(outcome.out);
  CHECK(outcome.exit_code == 2);
  return outcome.err;
}

const std::string kDenoised = "step = \"denoise\"";
}  // namespace

TEST_CASE("results are linked by fields of themselves, of what made them, and of the image they go back to") {
  must_link("step = \"denoise\" or kind = \"table\"", "tree", "{project}/{species}/{name}_{step}");
  const fs::path tree = facility() / "tree";
  for (const char* name : {"nuclei_1", "nuclei_2"}) {
    const std::string species =
        facility().must({"find", "name = \"" + std::string(name) + "\" and species = \"G12\"", "--count"}) == "1\n"
            ? "G12"
            : "A1H1";
    const fs::path image = tree / "demo" / species / (std::string(name) + "_denoise");
    CAPTURE(image.string());
    CHECK(fs::is_symlink(image));
    CHECK(fs::read_symlink(image).is_absolute());
    CHECK(fs::is_regular_file(image / "data.h5"));
    CHECK(fs::is_regular_file(image / "data.xml"));
    CHECK(fs::is_regular_file(tree / "demo" / species / (std::string(name) + "_measure.tsv")));
  }
}

TEST_CASE("a linked image opens by its XML, which names the HDF5 file beside it") {
  must_link(kDenoised + " and derived_from(\"nuclei_1\")", "opened", "{name}");
  const auto text = python_says(
      "import sys, h5py, os, xml.etree.ElementTree as et\n"
      "xml = os.path.join(sys.argv[1], 'data.xml')\n"
      "h5 = et.parse(xml).find('.//hdf5')\n"
      "with h5py.File(os.path.join(os.path.dirname(xml), h5.text)) as f:\n"
      "    print(h5.get('type'), f['t00000/s00/0/cells'].shape)\n",
      {(facility() / "opened/nuclei_1").string()});
  if (text) CHECK(*text == "relative (32, 160, 160)\n");
}

TEST_CASE("a second call keeps the links that are right and makes those that are missing") {
  has(must_link(kDenoised, "twice", "{name}"), "2 found: 2 linked, 0 replaced, 0 there already");
  fs::remove(facility() / "twice/nuclei_2");
  has(must_link(kDenoised, "twice", "{name}"), "2 found: 1 linked, 0 replaced, 1 there already");
}

TEST_CASE("a dry run shows the links and makes none") {
  const std::string shown = must_link(kDenoised, "dry", "{name}", {"--dry-run"});
  has(shown, (facility() / "dry/nuclei_1").string() + " -> " + (facility().archive() / "demo/results").string());
  has(shown, "2 found: 2 to link");
  CHECK_FALSE(fs::exists(facility() / "dry"));
}

TEST_CASE("links of earlier calls are left, and said") {
  must_link(kDenoised, "stale", "old/{name}");
  const std::string said = must_link(kDenoised, "stale", "new/{name}");
  has(said, "2 links of earlier calls are left:\n  old/nuclei_1\n  old/nuclei_2\n");
  CHECK(fs::is_symlink(facility() / "stale/old/nuclei_1"));
}

TEST_CASE("two results of one name are both named, and a template is proposed that works") {
  const std::string query = "step in (\"denoise\", \"threshold\") and derived_from(\"nuclei_1\")";
  const std::string error = refusal(query, "clash", "{project}/{name}");
  has(error, "'nuclei_1 first_look/denoise' (");
  has(error, "and 'nuclei_1 first_look/threshold' (");
  has(error, "both get the name 'demo/nuclei_1'; tell them apart, for example by --name '{project}/{name}_{id}'");
  CHECK_FALSE(fs::exists(facility() / "clash"));
  has(must_link(query, "clash", "{project}/{name}_{id}"), "2 found: 2 linked");
}

TEST_CASE("an unknown field names the nearest one; a field without a value says how to do without") {
  has(refusal(kDenoised, "none", "{speces}/{name}"),
      "the name template '{speces}/{name}': there is no field or annotation 'speces'; did you mean 'species'?");
  const std::string error = refusal("kind = \"acquisition\"", "none", "{species}/{name}");
  has(error, "'beads_1' (");
  has(error, "has no 'species'; write {species|none} to name it all the same, or leave it out by the query");
  has(error, "(and so for 1 other)");
  has(refusal("kind = \"acquisition\"", "none", "{step}/{name}"), "(and so for 3 others)");
  CHECK_FALSE(fs::exists(facility() / "none"));
}

TEST_CASE("other files are never replaced, and nothing is linked beside them") {
  fs::create_directories(facility() / "mine");
  facility().write("mine/nuclei_2", "notes");
  has(refusal(kDenoised, "mine", "{name}"),
      "'" + (facility() / "mine/nuclei_2").string() + "' is there already and no link; remove it");
  CHECK_FALSE(fs::exists(fs::symlink_status(facility() / "mine/nuclei_1")));

  fs::create_directories(facility() / "elsewhere");
  fs::create_symlink("/tmp", facility() / "elsewhere/nuclei_1");
  has(refusal(kDenoised, "elsewhere", "{name}"), "leads to '/tmp', outside the archive; remove it");
  has(link(kDenoised, "elsewhere", "{name}", {"--replace"}).err, "outside the archive");
}

TEST_CASE("a link to another artifact is led anew only when that is asked for") {
  must_link("name = \"nuclei_1 first_look/denoise\"", "anew", "it");
  has(refusal("name = \"nuclei_2 first_look/denoise\"", "anew", "it"), "lead it there with --replace");
  has(must_link("name = \"nuclei_2 first_look/denoise\"", "anew", "it", {"--replace"}), "0 linked, 1 replaced");
  const std::string shown = facility().must({"show", "nuclei_2 first_look/denoise"});
  has(shown, fs::read_symlink(facility() / "anew/it").string());
}

TEST_CASE("nothing is ever written through a link or into the archive") {
  must_link(kDenoised, "through", "{name}");
  has(refusal("kind = \"table\"", "through", "{name}/{step}"),
      "'" + (facility() / "through/nuclei_1").string() + "' is there and is no folder; remove it");
  has(refusal(kDenoised, "archive/demo", "{name}"), "lies inside the archive");
}
