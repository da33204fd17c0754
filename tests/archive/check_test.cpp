// voxflow check: a sound image passes; each rule of the format, broken alone, is found alone.
#include "pipeline/archive/check.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/oracles.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::test;
using archive::check_artifact;
using archive::check_image;
using archive::CheckVoxels;
using archive::Finding;

namespace fs = std::filesystem;

namespace {
record::ImageInfo sample(DType dtype = DType::uint16) {
  return image_of(dtype, {20, 70, 300}, 2, 2);
}

/// An image in a folder, of which something is to be broken.
struct Broken {
  explicit Broken(const record::ImageInfo& info = sample()) { write_image(file, info); }

  /// Runs `python` with the open file as `f`; false where there is no h5py.
  bool edit(const std::string& python) const {
    const auto said = python_says(
        "import sys, h5py, numpy\nwith h5py.File(sys.argv[1], 'r+') as f:\n    " + python + "\n", {file.string()});
    if (said) CHECK(*said == "");
    return said.has_value();
  }
  void edit_xml(const std::string& from, const std::string& to) const {
    std::string text = read_file(xml);
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    write_file_atomically(xml, text);
  }
  std::vector<Finding> findings(CheckVoxels voxels = CheckVoxels::yes) const { return check_image(file, voxels); }

  TestFolder folder;
  fs::path file = folder / "data.h5", xml = folder / "data.xml";
};

/// The findings are of this rule only, and the first says this.
void only(const std::vector<Finding>& findings, const std::string& rule, const std::string& value) {
  REQUIRE(!findings.empty());
  for (const Finding& f : findings) {
    INFO(f.text());
    CHECK(f.rule == rule);
    CHECK_FALSE(f.place.empty());
    CHECK_FALSE(f.allowed.empty());
    CHECK_FALSE(f.remedy.empty());
  }
  has(findings.front().value, value);
}

void check_edit(const std::string& python, const std::string& rule, const std::string& value,
                const record::ImageInfo& info = sample()) {
  CAPTURE(python);
  const Broken broken(info);
  if (broken.edit(python)) only(broken.findings(), rule, value);
}

void check_xml_edit(const std::string& from, const std::string& to, const std::string& rule, const std::string& value) {
  CAPTURE(to);
  const Broken broken;
  broken.edit_xml(from, to);
  only(broken.findings(), rule, value);
}

/// Puts a dataset in the place of cells, with all of their attributes.
std::string remade(const std::string& cells, const std::string& options) {
  return "c = f['" + cells + "']; v = c[...]; a = dict(c.attrs); ch = c.chunks; del f['" + cells +
         "']; n = f.create_dataset('" + cells + "', " + options + ")\n    for k in a: n.attrs.create(k, a[k], " +
         "dtype=None if k != 'axistags' else f'S{len(a[k])}')\n";
}
}  // namespace

TEST_CASE_TEMPLATE("what voxflow writes breaks no rule", T, std::uint8_t, std::uint16_t, std::uint32_t) {
  CHECK(Broken(sample(dtype_of<T>())).findings().empty());
  CHECK(Broken(image_of(dtype_of<T>(), {1, 600, 530})).findings().empty());
  CHECK(Broken(image_of(dtype_of<T>(), {90, 70, 260})).findings().empty());
}

TEST_CASE("float images are sound, with a note for Bio-Formats") {
  const auto findings = Broken(sample(DType::float32)).findings();
  only(findings, "float32", "its voxels are float32, which Bio-Formats reads as whole numbers");
  CHECK(findings.size() == 1);
  CHECK(findings.front().note);
}

TEST_CASE("an image without OME-XML, as they were once written, is sound, with a note") {
  const Broken old;
  if (!old.edit("del f['metadata/ome_xml']")) return;
  only(old.findings(), "ome-xml", "it holds no OME-XML");
  CHECK(old.findings().front().note);
}

TEST_CASE("a finding says place, value, what is allowed, what to do, and its rule") {
  const Finding f{"filters", "data.h5: /t00000/s00/0/cells", "is filtered by 'lzf'", "deflate", "repack it", false};
  CHECK(f.text() == "data.h5: /t00000/s00/0/cells: is filtered by 'lzf'; allowed: deflate; repack it (rule 'filters')");
}

TEST_CASE("file names") {
  const Broken broken;
  fs::rename(broken.file, broken.folder / "data.v2.h5");
  fs::rename(broken.xml, broken.folder / "data.v2.xml");
  const auto findings = check_image(broken.folder / "data.v2.h5", CheckVoxels::no);
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].rule == "file-name");
  CHECK(findings[0].value == "the file is named 'data.v2.h5'");
  CHECK(findings[1].rule == "xml-loader");
}

TEST_CASE("the form of the file: no newer than HDF5 1.8") {
  const Broken broken;
  const auto said = python_says(
      "import sys, h5py\n"
      "with h5py.File(sys.argv[1]) as old, h5py.File(sys.argv[2], 'w', libver='latest') as new:\n"
      "    for k in old.attrs: new.attrs.create(k, old.attrs[k], dtype=f'S{len(old.attrs[k])}' if "
      "isinstance(old.attrs[k], bytes)"
      " else None)\n"
      "    for k in old: old.copy(k, new)\n",
      {broken.file.string(), (broken.folder / "new.h5").string()});
  if (!said) return;
  CHECK(*said == "");
  fs::rename(broken.folder / "new.h5", broken.file);
  only(broken.findings(), "file-form", "its superblock has version 3");
}

TEST_CASE("what stands at the root") {
  check_edit("del f.attrs['content_digest']", "root-attributes", "has no attribute 'content_digest'");
  check_edit("f['mine'] = 1", "root-members", "is no part of the format");
  check_edit("del f['metadata/chunk_digests']", "records", "is missing");
}

TEST_CASE("setups and timepoints are numbered without a gap") {
  const Broken setups;
  if (!setups.edit("f.move('s01', 's02')")) return;
  const auto findings = setups.findings();
  CHECK(findings.front().rule == "setup-ids");
  CHECK(findings.front().value == "its setups are not numbered without a gap: 2 comes where 1 is due");
  const Broken timepoints;
  timepoints.edit("f.move('t00001', 't00002')");
  CHECK(timepoints.findings().front().rule == "timepoint-ids");
}

TEST_CASE("the type that BigDataViewer is told") {
  check_edit("del f['s01'].attrs['dataType']", "data-type", "has no attribute dataType of fixed-length text");
  check_edit("f['s01'].attrs.create('dataType', b'int16', dtype='S5')", "data-type",
             "its dataType is 'int16', and the voxels are uint16");
}

TEST_CASE("resolutions and subdivisions") {
  check_edit("f['s00/resolutions'][0] = 2, 1, 1", "resolutions", "does not hold factors that begin with 1 1 1");
  check_edit("r = f['s00/resolutions'][...]; del f['s00/resolutions']; f['s00/resolutions'] = r.astype('i4')",
             "resolutions", "is int32 of 2 axes");
  check_edit("f['s00/subdivisions'][1] = 16, 16, 16", "subdivisions", "has chunks of 10 x 35 x 64 (z, y, x)");
  check_edit("s = f['s00/subdivisions'][...]; del f['s00/subdivisions']; f['s00/subdivisions'] = s[:1]", "subdivisions",
             "has 1 rows, and resolutions 2");
  check_edit("del f['s00/subdivisions']", "subdivisions", "is missing");
}

TEST_CASE("nothing else among timepoints, channels and levels") {
  check_edit("f['t00001/notes'] = 1", "foreign-members", "stands among the levels");
  check_edit("f['t00001/s01/mask'] = 1", "foreign-members", "stands among the levels");
  check_edit("f['t00001/s01/0/mean'] = 1", "foreign-members", "stands among the levels");
}

TEST_CASE("every volume and level is there") {
  check_edit("del f['t00001/s01']", "volumes", "is missing");
  check_edit("del f['t00001/s01/1']", "levels", "is missing");
  check_edit("f.copy('t00001/s01/1', 't00001/s01/2')", "levels", "has no row in resolutions");
  check_edit("del f['t00001/s01/1/cells']", "cells", "is missing");
}

TEST_CASE("cells: axes, chunks, type, byte order, filters") {
  const std::string cells = "t00001/s01/1/cells";
  check_edit(remade(cells, "data=v"), "cells", "has 3 axes and is not chunked");
  check_edit(remade(cells, "data=v.astype('i2'), chunks=ch, compression='gzip'"), "voxel-type", "its voxels are int16");
  check_edit(remade(cells, "data=v.astype('>u2'), chunks=ch, compression='gzip'"), "voxel-type",
             "its voxels are uint16 big-endian");
  check_edit(remade(cells, "data=v.astype('u1'), chunks=ch, compression='gzip'"), "voxel-type", "its voxels are uint8");
  check_edit(remade(cells, "data=v, chunks=ch, compression='lzf'"), "filters", "is filtered by 'lzf' (number 32000)");
  check_edit(remade(cells, "data=v[:, :, 1:], chunks=ch, compression='gzip'"), "level-shape",
             "is 10 x 35 x 149 (z, y, x)");
}

TEST_CASE("fletcher32 beside shuffle and deflate is within the rules") {
  const Broken image;
  if (image.edit(remade("t00001/s01/1/cells", "data=v, chunks=ch, compression='gzip', shuffle=True, fletcher32=True")))
    CHECK(image.findings(CheckVoxels::no).empty());
}

TEST_CASE("chunks neither small nor large") {
  const std::string all = "\n    for c in ('t00000/s00', 't00000/s01', 't00001/s00', 't00001/s01'):\n      ";
  const auto rechunked = [&](const std::string& chunk, const std::string& xyz) {
    return "f['s00/subdivisions'][0] = " + xyz + "; f['s01/subdivisions'][0] = " + xyz + all +
           "p = c + '/0/cells'; o = f[p]; v = o[...]; a = dict(o.attrs); del f[p]; n = f.create_dataset(p, data=v, "
           "chunks=" +
           chunk +
           ", compression='gzip')\n      for k in a: n.attrs.create(k, a[k], dtype=None if k != 'axistags' else "
           "f'S{len(a[k])}')";
  };
  check_edit(rechunked("(16, 16, 16)", "16, 16, 16"), "chunk-size", "its chunks are 16 x 16 x 16 (z, y, x), 8 KiB");
  auto large = image_of(DType::uint16, {90, 100, 300}, 2, 2);
  check_edit(rechunked("(90, 100, 64)", "64, 100, 90"), "chunk-size",
             "its chunks are 90 x 100 x 64 (z, y, x), 1125 KiB", large);
}

TEST_CASE("axistags and element sizes") {
  check_edit("del f['t00001/s01/1/cells'].attrs['axistags']", "axistags", "its axistags do not say");
  check_edit("del f['t00001/s01/1/cells'].attrs['element_size_um']", "element-size", "has no element_size_um");
  check_edit("f['t00001/s01/1/cells'].attrs['element_size_um'] = [0.6, 0.4, 0.5]", "element-size",
             "its voxels are 0.5 um along axis x");
}

TEST_CASE("smaller copies hold the mean, and labels those of the image") {
  check_edit("f['t00001/s01/1/cells'][3, 4, 5] += 1", "level-values", "is not the mean of the level before");
  const auto labels = sample(DType::uint32);
  check_edit("f['t00001/s01/1/cells'][3, 4, 5] = 4000000", "label-levels", "holds label 4000000", labels);
  check_edit("f['t00001/s01/1/cells'][3, 4, 5] = f['t00001/s01/0/cells'][0, 0, 0]", "level-values",
             "is not the mode of the level before", labels);
}

TEST_CASE("the SpimData XML") {
  const Broken gone;
  fs::remove(gone.xml);
  only(gone.findings(), "xml-file", "is missing");
  check_xml_edit("</SpimData>", "", "xml-file", "is no XML");
  check_xml_edit("<SpimData", "<!-- " + std::string(100, '-').replace(0, 100, 100, ' ') + "-->\n<SpimData", "xml-head",
                 "does not begin within its first 100 bytes");
  check_xml_edit(">data.h5<", ">/else/data.h5<", "xml-loader", "its image loader names '/else/data.h5'");
  check_xml_edit("<id>1</id>\n        <name>channel", "<id>2</id>\n        <name>channel", "xml-setup-ids",
                 "setup '2' comes where 1 is due");
  check_xml_edit("<channel>1</channel>", "<channel>GFP</channel>", "xml-attributes", "setup 1: its channel is 'GFP'");
  check_xml_edit("<size>300 70 20</size>", "<size>300 70 21</size>", "xml-size", "setup 0: its size is '300 70 21'");
  check_xml_edit("<size>0.2 0.2 0.3</size>", "<size>1 1 1</size>", "xml-size", "setup 0: its voxel size is '1 1 1'");
  check_xml_edit("<last>1</last>", "<last>7</last>", "xml-timepoints", "its timepoints are 0 to 7");
  check_xml_edit("<affine>0.2", "<affine>0.3", "xml-calibration",
                 "timepoint 0, setup 0: its last transform is no calibration");
  check_xml_edit("<ViewRegistration timepoint=\"1\" setup=\"1\">", "<ViewRegistration timepoint=\"1\" setup=\"0\">",
                 "xml-registrations", "it registers 3 views, and the image has 4");
}

TEST_CASE("the OME-XML inside") {
  const auto edit = [](const std::string& from, const std::string& to) {
    return "t = f['metadata/ome_xml'][()].replace(b'" + from + "', b'" + to +
           "'); del f['metadata/ome_xml']; f.create_dataset('metadata/ome_xml', data=numpy.array(t, "
           "dtype=f'S{len(t)}'))";
  };
  check_edit(edit("SizeX=\"300\"", "SizeX=\"301\""), "ome-xml", "its SizeX is '301'");
  check_edit(edit("Type=\"uint16\"", "Type=\"int16\""), "ome-xml", "its Type is 'int16'");
  check_edit(edit("<MetadataOnly/>", ""), "ome-xml", "does not say that it is metadata only");
  check_edit(edit("</OME>", ""), "ome-xml", "is no XML");
}

TEST_CASE("the manifest's sizes") {
  const TestFolder folder;
  auto info = sample();
  const Digest content = write_image(folder / "data.h5", info);
  write_file_atomically(folder / "manifest.json", manifest_of(info, content, content).to_json());
  CHECK(check_artifact(folder.path(), CheckVoxels::no).empty());
  info.grid.shape[kX] = 301;
  write_file_atomically(folder / "manifest.json", manifest_of(info, content, content).to_json());
  only(check_artifact(folder.path(), CheckVoxels::no), "manifest-sizes", "the sizes of its volumes are others");
}

TEST_CASE("of many places that break one rule some are shown, the others counted") {
  const Broken broken(image_of(DType::uint8, {2, 30, 30}, 9, 1));
  if (!broken.edit("\n    for t in range(9): f[f't{t:05}/x'] = 1")) return;
  const auto findings = broken.findings();
  REQUIRE(findings.size() == 5);
  has(findings.back().place, "/t00004/x (and 4 more places)");
}

TEST_CASE("a folder without an image is told") {
  const TestFolder folder;
  CHECK(message_of<UserError>([&] { check_artifact(folder.path(), CheckVoxels::no); }) ==
        "'" + folder.path().string() +
            "' holds no .h5 file, and only images are checked; `voxflow verify` tells whether its files are still what "
            "was published");
}
