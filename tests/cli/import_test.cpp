// voxflow import and show of files: several images in a file, formats that a site's converter reads, the archive's own
// images, files that are kept.
#include <doctest/doctest.h>

#include "tests/cli/facility.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/oracles.hpp"

namespace fs = std::filesystem;
using namespace voxflow::test;

namespace {
/// Two stacks of two channels each in one file, as microscopes write their series. False where Python lacks tifffile.
bool write_two_series(const Facility& facility, const std::string& name) {
  const auto said = python_says(
      "import sys, numpy, tifffile\n"
      "with tifffile.TiffWriter(sys.argv[1], ome=True) as tiff:\n"
      "    for i in range(2):\n"
      "        data = numpy.random.default_rng(i).integers(0, 999, (2, 3 + i, 20, 30), dtype=numpy.uint16)\n"
      "        tiff.write(data, photometric='minisblack', metadata={'axes': 'CZYX', 'Name': f'field {i}',\n"
      "            'PhysicalSizeX': 0.2, 'PhysicalSizeY': 0.2, 'PhysicalSizeZ': 0.5,\n"
      "            'Channel': {'Name': ['DAPI', 'GFP']}})\n",
      {(facility / name).string()});
  CHECK(said.value_or("") == "");
  return said.has_value();
}

/// A converter that behaves as bfconvert does, and site settings that name it; it fails with `complaint` if there is
/// one.
fs::path site_with_converter(const Facility& facility, const std::string& complaint = "") {
  const fs::path program = facility.write(
      "bfconvert",
      "#!/bin/sh\n"
      "if [ \"$1\" = -version ]; then echo 'Version: 7.3.1'; echo 'Build date: 1 June'; exit 0; fi\n"
      "[ \"$1\" = -no-upgrade ] && [ \"$2\" = -overwrite ] && [ $# = 4 ] || exit 1\n" +
          (complaint.empty() ? "tail -c +5 \"$3\" > \"$4\"\n" : "echo '" + complaint + "' >&2\nexit 1\n"));
  fs::permissions(program, fs::perms::owner_all);
  return facility.write("site.yaml", "voxflow_site: 1\nimport:\n  converter: [" + program.string() +
                                         ", -no-upgrade, -overwrite, \"{input}\", \"{output}\"]\n"
                                         "  converter_version: [" +
                                         program.string() + ", -version]\n");
}

/// A file of a format that is not read here: four letters, then an OME-TIFF.
void write_foreign(const Facility& facility, const std::string& name) {
  REQUIRE(run_program("sh", {"-c", "(printf ZISR; cat inside.ome.tif) > " + name}, facility / ".").exit_code == 0);
}
}  // namespace

TEST_CASE("show tells which images a file holds; import takes one of them, or all, each with its name") {
  const Facility facility;
  if (!write_two_series(facility, "fields.ome.tif")) return;
  const std::string shown = facility.must({"show", "fields.ome.tif"});
  has(shown, "0                1 x 2 x 3 x 20 x 30  0.5 x 0.2 x 0.2 um  uint16  DAPI, GFP  ome-tiff (libtiff");
  has(shown, "1                1 x 2 x 4 x 20 x 30  0.5 x 0.2 x 0.2 um");
  has(facility.must({"--json", "show", "fields.ome.tif"}), "\"series\": 1");

  const Outcome none = facility.voxflow({"import", "fields.ome.tif", "--project", "demo"});
  CHECK(none.exit_code == 2);
  has(none.err, "it holds 2 images; choose one with --series N, or take --series all:\n  0: 'field 0'\n  1: 'field 1'");
  const Outcome empty = facility.voxflow({"import", "", "--project", "demo"});
  CHECK(empty.exit_code == 2);
  has(empty.err, "the name of a file to import is empty");
  const Outcome wrong = facility.voxflow({"import", "fields.ome.tif", "--project", "demo", "--series", "both"});
  CHECK(wrong.exit_code == 2);
  has(wrong.err, "--series is 'both'; write a number from 0, or all");

  has(facility.must({"import", "fields.ome.tif", "--project", "demo", "--series", "all"}), "2 of 2 imported");
  CHECK(facility.must({"find", "--names"}) == "fields_0\nfields_1\n");
  has(facility.must({"import", "fields.ome.tif", "--project", "demo", "--series", "1"}), "fields_1 (was there)");
}

TEST_CASE("all series of the files of a mask become images of their own") {
  const Facility facility;
  if (!write_two_series(facility, "G12_a.ome.tif")) return;
  facility.write("mask.yaml",
                 "voxflow_mask: 1\nmask: fields\nfiles: \"{species}_{name}.ome.tif\"\n"
                 "annotations: { species: { from: species } }\n");
  has(facility.must({"import", ".", "--mask", "mask.yaml", "--project", "demo", "--series", "all"}), "2 of 2 imported");
  CHECK(facility.must({"find", "species = \"G12\"", "--names"}) == "a_0\na_1\n");
}

TEST_CASE("a dataset is chosen by its path where a file holds several, and show lists their paths") {
  const Facility facility;
  const auto made = python_says(
      "import sys, h5py, numpy\n"
      "with h5py.File(sys.argv[1], 'w') as f:\n"
      "    for name in ('raw', 'label'):\n"
      "        d = f.create_dataset(name, data=numpy.arange(60, dtype='uint8')"
      ".reshape(3, 4, 5))\n"
      "        d.attrs['element_size_um'] = [1.0, 0.5, 0.5]\n",
      {(facility / "two.h5").string()});
  if (!made) return;
  CHECK(*made == "");
  const std::string shown = facility.must({"show", "two.h5"});
  has(shown, "/label   1 x 1 x 3 x 4 x 5  1 x 0.5 x 0.5 um  uint8");
  has(shown, "/raw     1 x 1 x 3 x 4 x 5  1 x 0.5 x 0.5 um  uint8");
}

TEST_CASE("what a site's converter reads is imported, and says by which version of what it was converted") {
  const Facility facility;
  if (!write_two_series(facility, "inside.ome.tif")) return;
  write_foreign(facility, "cells.czi");
  const std::string site = site_with_converter(facility).string();
  has(facility.must({"import", "cells.czi", "--project", "demo", "--series", "1", "--site", site}),
      "1 x 2 x 4 x 20 x 30");
  const std::string shown = facility.must({"show", "cells"});
  has(shown, (facility / "cells.czi").string());
  has(shown, "bfconvert (Version: 7.3.1)");
  has(shown, (facility / "bfconvert").string() + " -no-upgrade -overwrite {input} {output}");
  const std::string json = facility.must({"--json", "show", "cells"});
  has(json, "\"reader_version\": \"Version: 7.3.1\"");
  has(facility.voxflow({"show", "cells.czi"}, {{"VOXFLOW_SITE", site}}).out, "DAPI, GFP  bfconvert (Version: 7.3.1)");
}

TEST_CASE("a converter that fails is quoted; where there is none the message says what to install; others go on") {
  const Facility facility;
  if (!write_two_series(facility, "inside.ome.tif")) return;
  write_foreign(facility, "a.czi");
  const std::string site = site_with_converter(facility, "UnsupportedCompression: JPEG-XR").string();
  const Outcome failed = facility.voxflow({"import", "a.czi", "--project", "demo", "--site", site});
  CHECK(failed.exit_code == 2);
  has(failed.err,
      "a.czi': the converter bfconvert ended with code 1; its last words:\n  UnsupportedCompression: JPEG-XR");

  facility.must({"phantom", "make", "f", "--images", "1"});
  const Outcome missing =
      facility.voxflow({"import", "a.czi", "f/images/nuclei_1_C0.tif", "--files-are", "images", "--project", "demo"},
                       {{"PATH", "/nowhere"}});
  CHECK(missing.exit_code == 2);
  has(missing.err, "the converter 'bfconvert' is not installed; install it");
  has(missing.out, "1 of 2 imported, 1 failed");
}

TEST_CASE("an image of the archive comes back from its own data.xml with the same content") {
  const Facility facility, other;
  facility.import_phantom(1);
  for (const std::string& artifact : facility.artifacts()) {
    const std::string xml = (facility.archive() / artifact / "data.xml").string();
    const std::string digest = fs::path(artifact).filename().string();
    has(other.must({"import", xml, "--project", "again"}), "sha256:" + digest);
    has(facility.must({"import", xml, "--project", "again"}), "the same as");
  }
  CHECK(other.must({"find", "channels = 2", "--count"}) == "2\n");
}

TEST_CASE("files that were kept are no image to check, and the message says what holds for them") {
  const Facility facility;
  facility.must({"phantom", "make", "f", "--images", "1"});
  facility.must({"import", "f/images/nuclei_1_C0.tif", "--project", "demo", "--keep", "copy"});
  for (const std::string& artifact : facility.artifacts()) {
    if (artifact.find("/raw/") == std::string::npos) continue;
    const Outcome outcome = facility.voxflow({"check", (facility.archive() / artifact).string()});
    CHECK(outcome.exit_code == 2);
    has(outcome.err,
        "' holds no .h5 file, and only images are checked; `voxflow verify` tells whether its files are "
        "still what was published");
  }
}
