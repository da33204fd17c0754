// Labels on their way to ImageJ and back: voxflow export --as roi, --overlay, and import-labels.
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
/// Two images of nuclei with the results of first_look.
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

const std::string kRaw = "kind = \"acquisition\" and sample = \"nuclei\"";

/// A number behind a key of a JSON text.
std::string member(const std::string& json, const std::string& key) {
  const auto at = json.find("\"" + key + "\": ");
  REQUIRE(at != std::string::npos);
  const auto from = at + key.size() + 4;
  return json.substr(from, json.find_first_of(",\n", from) - from);
}

/// The data.h5 of what has that name.
std::string file_of(const std::string& name) {
  const std::string shown = facility().must({"show", name, "--json"});
  std::string artifact = member(shown, "artifact");
  artifact = artifact.substr(1, artifact.size() - 2);
  return (facility().archive() / artifact / "data.h5").string();
}

/// One square region of ImageJ, on all planes.
std::string square_roi() {
  std::string roi(64, '\0');
  roi.replace(0, 4, "Iout");
  roi[5] = '\xe3', roi[6] = 1, roi[9] = 10, roi[11] = 20, roi[13] = 14, roi[15] = 26;
  return roi;
}
}  // namespace

TEST_CASE("labels exported as regions and imported again are the same voxels") {
  has(facility().must({"export", "step = \"components\"", "--as", "roi", "--into", "rois", "--name", "{name}"}),
      "2 of 2 exported");
  const std::string said = facility().must({"import-labels", "rois/nuclei_1.zip", "--of", "nuclei_1", "--by", "ada"});
  const std::string count = member(facility().must({"show", "nuclei_1 first_look/components", "--json"}), "count");
  has(said, "'nuclei_1 drawn/labels'");
  has(said, ": " + count + " objects of ");
  has(said, "drawn by ada");
  const auto text = python_says(
      "import sys, h5py, numpy\n"
      "a, b = (h5py.File(f)['t00000/s00/0/cells'][...] for f in sys.argv[1:])\n"
      "print(numpy.array_equal(a, b), a.max() > 0)\n",
      {file_of("nuclei_1 first_look/components"), file_of("nuclei_1 drawn/labels")});
  if (text) CHECK(*text == "True True\n");
  has(facility().must({"import-labels", "rois/nuclei_1.zip", "--of", "nuclei_1"}), "(was there)");
}

TEST_CASE("a mask has outlines too") {
  const std::string said =
      facility().must({"export", "step = \"threshold\"", "--as", "roi", "--into", "masks", "--name", "{name}"});
  has(said, " regions\n");
  facility().must({"import-labels", "masks/nuclei_2.zip", "--of", "nuclei_2", "--step", "foreground"});
  const auto text = python_says(
      "import sys, h5py, numpy\n"
      "a, b = (h5py.File(f)['t00000/s00/0/cells'][...] for f in sys.argv[1:])\n"
      "print(numpy.array_equal(a != 0, b == 1), a.any())\n",
      {file_of("nuclei_2 first_look/threshold"), file_of("nuclei_2 drawn/foreground")});
  if (text) CHECK(*text == "True True\n");
}

TEST_CASE("labels that were drawn say of which image, by whom, when and from which file") {
  facility().write("cell.roi", square_roi());
  facility().must({"import-labels", "cell.roi", "--of", "nuclei_2", "--by", "grace", "--step", "cells"});
  const std::string shown = facility().must({"show", "nuclei_2 drawn/cells"});
  has(shown, "drawn/cells: drawn.regions version 1");
  has(shown, "grace on ");
  has(facility().must({"lineage", "nuclei_2 drawn/cells"}), "nuclei_2");
  const std::string manifest =
      voxflow::read_file(fs::path(file_of("nuclei_2 drawn/cells")).parent_path() / "manifest.json");
  has(manifest, "\"importer\": \"imagej_roi\"");
  has(manifest, "cell.roi");
  has(facility().must({"find", "kind = \"labels\" and workflow = \"drawn\" and step = \"cells\""}), "nuclei_2");
  facility().must({"catalog", "check"});
}

TEST_CASE("regions that cannot become labels of the image are named, all at once, and nothing is published") {
  const std::size_t before = facility().artifacts().size();
  std::string far = square_roi();
  far[10] = 0x40, far[14] = 0x40;
  facility().write("far.roi", far);
  const Outcome outcome = facility().voxflow({"import-labels", "far.roi", "--of", "nuclei_1"});
  CHECK(outcome.exit_code == 2);
  has(outcome.err, "'far.roi': region 'far': it covers no pixel of the image, whose planes are 160 x 160 (y, x)");
  std::string deep = square_roi();
  deep[59] = 99;
  facility().write("deep.roi", deep);
  has(facility().voxflow({"import-labels", "deep.roi", "--of", "nuclei_1"}).err,
      "'deep.roi': region 'deep': it lies on slice 99, and the image has 32");
  has(facility().voxflow({"import-labels", "far.roi", "--of", "nuclei_1 first_look/measure"}).err,
      "is a table, and regions are drawn on images");
  CHECK(facility().artifacts().size() == before);
}

TEST_CASE("an image with its labels as overlay: ImageJ fills the labels' voxels") {
  has(facility().must({"export", kRaw, "--as", "imagej-tiff", "--overlay", "step = \"components\"", "--into", "over",
                       "--name", "{name}"}),
      "2 of 2 exported");
  const auto said = java_says(
      project_folder() / "tests/interop/FillRois.java",
      {(facility() / "over/nuclei_1.tif").string(), (facility() / "over/raw").string(), "160", "160", "32", "1", "2"});
  if (!said) return;
  has(*said, " 0 overlaps\n");
  const auto text = python_says(
      "import sys, h5py, numpy\n"
      "labels = h5py.File(sys.argv[1])['t00000/s00/0/cells'][...]\n"
      "filled = numpy.fromfile(sys.argv[2], '<i4').reshape(2, 32, 160, 160)\n"
      "print(all(numpy.array_equal(channel, labels) for channel in filled))\n",
      {file_of("nuclei_1 first_look/components"), (facility() / "over/raw").string()});
  if (text) CHECK(*text == "True\n");
}

TEST_CASE("an overlay that is none, or not one, is told for its image") {
  const auto overlay = [&](const std::string& query, const std::string& as = "imagej-tiff") {
    return facility().voxflow({"export", "name = \"nuclei_1\" and " + kRaw, "--as", as, "--overlay", query, "--into",
                               "bad", "--name", "{name}"});
  };
  has(overlay("step in (\"components\", \"threshold\")").err, "; narrow its query");
  has(overlay("step = \"components\" and name = \"nuclei_2 first_look/components\"").err,
      "--overlay finds no labels for it; leave the image out of the query, or make its labels first");
  has(overlay("step = \"measure\"").err, "which is a table; add to its query: and kind = \"labels\"");
  has(overlay("step = \"components\"", "ome-tiff").err,
      "--overlay is for imagej-tiff; export the labels on their own as ome-tiff");
  CHECK_FALSE(fs::exists(facility() / "bad/nuclei_1.tif"));
}

TEST_CASE("regions are for labels and masks") {
  const Outcome outcome = facility().voxflow({"export", kRaw, "--as", "roi", "--into", "no", "--name", "{name}"});
  CHECK(outcome.exit_code == 2);
  has(outcome.err,
      "is an acquisition, which cannot be exported as roi; add to the query: and kind in (\"labels\", \"mask\")");
}
