// voxflow export: files that other programs open, one failure at a time.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "pipeline/core/files.hpp"
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

Outcome export_as(const std::string& format, const std::string& query, const std::string& into,
                  std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"export", query, "--as", format, "--into", into, "--name", "{name}_{step|raw}"});
  return facility().voxflow(more);
}

std::string must_export(const std::string& format, const std::string& query, const std::string& into,
                        const std::vector<std::string>& more = {}) {
  const Outcome outcome = export_as(format, query, into, more);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  return outcome.out;
}

std::size_t files_in(const std::string& folder) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(facility() / folder)) ++n;
  return n;
}

const std::string kRaw = "kind = \"acquisition\" and sample = \"nuclei\"";
}  // namespace

TEST_CASE("an acquisition exported and imported again is the same content, in both profiles") {
  has(must_export("imagej-tiff", kRaw, "ij"), "2 of 2 exported");
  must_export("ome-tiff", kRaw, "ome");
  CHECK(files_in("ij") == 2);
  for (const char* file : {"ij/nuclei_1_raw.tif", "ome/nuclei_2_raw.ome.tif"})
    has(facility().must({"import", file, "--project", "demo"}), "(was there)");
}

TEST_CASE("tifffile finds axes, spacing, channels and provenance in both profiles") {
  must_export("imagej-tiff", kRaw, "read");
  must_export("ome-tiff", kRaw, "read");
  const auto text = python_says(
      "import sys, tifffile, numpy\n"
      "with tifffile.TiffFile(sys.argv[1]) as ij, tifffile.TiffFile(sys.argv[2]) as ome:\n"
      "    print(ij.series[0].axes, ij.series[0].shape, ome.series[0].axes, ome.series[0].shape)\n"
      "    print(numpy.array_equal(ij.asarray(), ome.asarray()))\n"
      "    info = dict(l.split(': ', 1) for l in ij.imagej_metadata['Info'].splitlines())\n"
      "    m = tifffile.xml2dict(ome.ome_metadata)['OME']\n"
      "    notes = {n['K']: str(n['value']) for n in m['StructuredAnnotations']['MapAnnotation']['Value']['M']}\n"
      "    print(info == notes, info['name'], info['species'], info['time_post_infection'], "
      "info['content_digest'] == info['id'])\n"
      "    print(ij.imagej_metadata['spacing'], [c['Name'] for c in m['Image']['Pixels']['Channel']])\n",
      {(facility() / "read/nuclei_1_raw.tif").string(), (facility() / "read/nuclei_1_raw.ome.tif").string()});
  if (text)
    CHECK(
        *text ==
        "ZCYX (32, 2, 160, 160) ZCYX (32, 2, 160, 160)\nTrue\nTrue nuclei_1 G12 18 h True\n0.5 ['DAPI', 'LaminB1']\n");
}

TEST_CASE("labels and masks go to ImageJ as integers that it reads, with the provenance of the run") {
  must_export("imagej-tiff", "step in (\"components\", \"threshold\")", "labels");
  const auto text = imagej_says(
      "imp = new ij.io.Opener().openImage(bsh.args[0]);\n"
      "max = 0; for (i = 1; i <= imp.getStackSize(); i++) max = Math.max(max, "
      "imp.getStack().getProcessor(i).getStatistics().max);\n"
      "print(imp.getBitDepth() + \" \" + (int) max);\n"
      "for (line : imp.getInfoProperty().split(\"\\n\")) if (line.startsWith(\"kernel\") || "
      "line.startsWith(\"image\")) "
      "print(line);\n",
      {(facility() / "labels/nuclei_1_components.tif").string()});
  if (!text) return;
  const std::string objects = facility().must({"show", "nuclei_1 first_look/components", "--json"});
  const auto at = objects.find("\"count\": ");
  REQUIRE(at != std::string::npos);
  const std::string count = objects.substr(at + 9, objects.find(',', at) - at - 9);
  CHECK(*text == "16 " + count + "\nkernel: segment.components version 1\nimage: nuclei_1\n");
}

TEST_CASE("tables are copied as they are") {
  must_export("tsv", "kind = \"table\"", "tables");
  const std::string table = voxflow::read_file(facility() / "tables/nuclei_1_measure.tsv");
  has(table, "label_id\t");
  CHECK(std::count(table.begin(), table.end(), '\n') > 10);
}

TEST_CASE("float images become uint16 with offset and scale when that is asked for") {
  facility().must({"import", "facility/truth/nuclei_1_clean_C0.tif", "--project", "truth", "--name", "clean"});
  const std::string clean = "name = \"clean\"";
  has(must_export("imagej-tiff", clean, "u16"), "float32");
  has(must_export("imagej-tiff", clean, "u16", {"--voxels", "uint16", "--range", "0,6553.5", "--replace"}),
      "uint16, value = 0 + 0.1 n, 0 saturated, 0 NaN");
  has(export_as("imagej-tiff", kRaw, "u16", {"--range", "0,1"}).err, "--range goes with --voxels uint16; add that");
  has(export_as("imagej-tiff", kRaw, "u16", {"--voxels", "uint16", "--range", "3"}).err,
      "--range is '3'; write the values that become 0 and 65535, such as --range 0,4095");
  has(export_as("tsv", kRaw, "u16", {"--voxels", "uint16"}).err, "--voxels is for TIFF files; leave it out for tsv");
}

TEST_CASE("a file that is there is kept, the rest is exported, and the exit code tells") {
  must_export("imagej-tiff", kRaw, "again");
  fs::remove(facility() / "again/nuclei_2_raw.tif");
  facility().write("again/nuclei_1_raw.tif", "mine");
  const Outcome outcome = export_as("imagej-tiff", kRaw, "again");
  CHECK(outcome.exit_code == 2);
  has(outcome.err, "'nuclei_1' (");
  has(outcome.err, "again/nuclei_1_raw.tif' is there already; replace it with --replace");
  has(outcome.out, "1 of 2 exported");
  CHECK(voxflow::read_file(facility() / "again/nuclei_1_raw.tif") == "mine");
  CHECK(fs::file_size(facility() / "again/nuclei_2_raw.tif") > 1'000'000);
  has(must_export("imagej-tiff", kRaw, "again", {"--replace"}), "2 of 2 exported");
  CHECK(files_in("again") == 2);
}

TEST_CASE("a damaged artifact does not stop the rest") {
  const Facility hurt;
  hurt.import_phantom(2);
  for (const std::string& artifact : hurt.artifacts()) {
    const std::string manifest = voxflow::read_file(hurt.archive() / artifact / "manifest.json");
    if (manifest.find("\"nuclei_1\"") != std::string::npos) {
      fs::permissions(hurt.archive() / artifact / "data.h5", fs::perms::owner_write, fs::perm_options::add);
      fs::resize_file(hurt.archive() / artifact / "data.h5", 100'000);
    }
  }
  const Outcome outcome = hurt.voxflow({"export", kRaw, "--as", "ome-tiff", "--into", "out", "--name", "{name}"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 3);
  has(outcome.out, "1 of 2 exported");
  CHECK(fs::exists(hurt / "out/nuclei_2.ome.tif"));
  CHECK(std::distance(fs::directory_iterator(hurt / "out"), fs::directory_iterator()) == 1);
}

TEST_CASE("what has no such form is refused before anything is written") {
  const Outcome table = export_as("ome-tiff", "derived_from(\"nuclei_1\")", "wrong");
  CHECK(table.exit_code == 2);
  has(table.err, "is a table, which cannot be exported as a TIFF; add to the query: and kind != \"table\"");
  has(export_as("tsv", kRaw, "wrong").err,
      "is an acquisition, which cannot be exported as tsv; add to the query: and kind = \"table\"");
  CHECK_FALSE(fs::exists(facility() / "wrong"));
}

TEST_CASE("a dry run shows the files and writes none") {
  const std::string shown = must_export("ome-tiff", kRaw, "dry", {"--dry-run"});
  has(shown, (facility() / "dry/nuclei_1_raw.ome.tif").string());
  has(shown, "nothing was exported");
  CHECK_FALSE(fs::exists(facility() / "dry"));
}
