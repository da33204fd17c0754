// HDF5 files of BigDataViewer, Imaris, ilastik and PlantSeg, written by h5py: axes, calibration, channels and voxels.
#include "pipeline/interop/hdf5_image.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "tests/interop/numbered_image.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace fs = std::filesystem;

namespace {
struct Fixture : SampleFolder {
  /// Writes `name` by h5py as `f`.
  bool write(const std::string& name, const std::string& lines) const {
    return SampleFolder::write(name, "import h5py\nf = h5py.File(sys.argv[1], 'w')\n" + lines + "f.close()");
  }
};

std::string setup_xml(int id, int channel, int angle, const char* unit = "micrometer") {
  return fmt::format(
      "<ViewSetup><id>{}</id><size>6 5 4</size><voxelSize><unit>{}</unit><size>0.2 0.3 1.5</size></voxelSize>"
      "<attributes><illumination>0</illumination><channel>{}</channel><tile>0</tile><angle>{}</angle></attributes>"
      "</ViewSetup>",
      id, unit, channel, angle);
}

std::string spimdata(const std::string& setups, const std::string& timepoints, const std::string& more = "") {
  return "<?xml version='1.0'?><SpimData version='0.2'><BasePath type='relative'>.</BasePath><SequenceDescription>"
         "<ImageLoader format='bdv.hdf5'><hdf5 type='relative'>cells.h5</hdf5></ImageLoader><ViewSetups>" +
         setups +
         "<Attributes name='channel'><Channel><id>0</id><name>DAPI</name></Channel><Channel><id>1</id><name>1</name>"
         "</Channel></Attributes></ViewSetups>" +
         timepoints + more + "</SequenceDescription></SpimData>";
}

const std::string kTwoTimepoints = "<Timepoints type='range'><first>0</first><last>1</last></Timepoints>";
const std::string kCells =
    "for t in (0, 1):\n"
    "    for s in (0, 1): f[f't{t:05}/s{s:02}/0/cells'] = volume(t, s, (4, 5, 6))\n"
    "for s in (0, 1): f.create_group(f's{s:02}').attrs['dataType'] = 'uint16'\n";
}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "BigDataViewer: setups that differ in their channel are channels, timepoints are timepoints") {
  if (!write("cells.h5", kCells)) return;
  write_file_atomically(folder / "cells.xml", spimdata(setup_xml(0, 0, 0) + setup_xml(1, 1, 0), kTwoTimepoints));
  for (const char* name : {"cells.xml", "cells.h5"}) {
    const auto image = open_image(folder / name);
    const ImageFacts& f = image->facts();
    CHECK(f.importer.name == "bdv-hdf5");
    CHECK(f.importer.version.starts_with("HDF5 1."));
    CHECK(f.shape == Index3{4, 5, 6});
    CHECK(f.timepoints == 2);
    CHECK(f.type == SampleType::uint16);
    CHECK(f.spacing_um == Spacing{1.5, 0.3, 0.2});
    REQUIRE(f.channels.size() == 2);
    CHECK(f.channels[0].name == "DAPI");
    CHECK(f.channels[1].name == "");
    CHECK(image->files() == std::vector<fs::path>{folder / "cells.xml", folder / "cells.h5"});
    CHECK(numbered<std::uint16_t>(*image));
  }
}

TEST_CASE_FIXTURE(Fixture, "BigDataViewer: angles are images of their own, of which one is chosen") {
  if (!write("cells.h5", kCells)) return;
  write_file_atomically(folder / "cells.xml", spimdata(setup_xml(0, 0, 0) + setup_xml(1, 0, 90), kTwoTimepoints));
  CHECK(refusal("cells.xml") == "'" + (folder / "cells.xml").string() +
                                    "': it holds 2 views; choose one with --series N, or take --series all:\n"
                                    "  0: angle 0, tile 0, illumination 0, 1 channels\n"
                                    "  1: angle 90, tile 0, illumination 0, 1 channels");
  CHECK(has(refusal("cells.xml", {.series = 2}), "it has no series 2; it holds:\n  0: angle 0"));
  std::uint16_t first = 0;
  std::vector<std::uint16_t> plane(30);
  open_image(folder / "cells.xml", {.series = 1})->read_plane(1, 0, 2, plane.data());
  first = plane.front();
  CHECK(first == numbered_value(1, 1, 2, 0, 0));
}

TEST_CASE_FIXTURE(Fixture, "BigDataViewer: numbers above 32767 of files without dataType come back as they were") {
  if (!write("cells.h5",
             "f['t00000/s00/0/cells'] = numpy.array([[[0, 32767, 32768, 65535]]], 'u2').view('i2')\n"
             "f['s00/resolutions'] = numpy.ones((1, 3))\n"))
    return;
  const auto old = open_image(folder / "cells.h5");
  CHECK(old->facts().type == SampleType::uint16);
  std::vector<std::uint16_t> voxels(4);
  old->read_plane(0, 0, 0, voxels.data());
  CHECK(voxels == std::vector<std::uint16_t>{0, 32767, 32768, 65535});

  REQUIRE(write("typed.h5",
                "f['t00000/s00/0/cells'] = numpy.array([[[0, 32767, -32768, -1]]], 'i2')\n"
                "f.create_group('s00').attrs['dataType'] = 'int16'\n"));
  const auto typed = open_image(folder / "typed.h5");
  CHECK(typed->facts().type == SampleType::int16);
  std::vector<float> floats(4);
  typed->read_plane(0, 0, 0, floats.data());
  CHECK(floats == std::vector<float>{0, 32767, -32768, -1});
}

TEST_CASE_FIXTURE(Fixture, "BigDataViewer: listed timepoints, other units, and what is missing") {
  if (!write("cells.h5", kCells)) return;
  const auto xml = [&](const std::string& text) { write_file_atomically(folder / "cells.xml", text); };
  xml(spimdata(setup_xml(0, 0, 0, "cm"), "<Timepoints type='pattern'><integerpattern>1</integerpattern></Timepoints>"));
  const auto image = open_image(folder / "cells.xml");
  CHECK(image->facts().timepoints == 1);
  CHECK(image->facts().spacing_um == Spacing{15'000, 3'000, 2'000});
  std::vector<std::uint16_t> plane(30);
  image->read_plane(0, 0, 0, plane.data());
  CHECK(plane.front() == numbered_value(1, 0, 0, 0, 0));

  xml(spimdata(setup_xml(0, 0, 0, "pixel"), kTwoTimepoints));
  CHECK(open_image(folder / "cells.xml")->facts().spacing_um == Spacing{});
  CHECK(open_image(folder / "cells.xml")->facts().calibration_note == "the unit of its voxelSize is 'pixel'");
  xml(spimdata(setup_xml(0, 0, 0), "<Timepoints type='pattern'><integerpattern>0-4:2</integerpattern></Timepoints>"));
  CHECK(has(refusal("cells.xml"), "has no volume of timepoint 2, setup 0 ('/t00002/s00/0/cells'); the image is not"));
  xml(spimdata(setup_xml(0, 0, 0), kTwoTimepoints,
               "<MissingViews><MissingView timepoint='1' setup='0'/></MissingViews>"));
  CHECK(has(refusal("cells.xml"), "timepoint 1 of setup 0 is missing, it says"));
  fs::remove(folder / "cells.xml");
  CHECK(has(refusal("cells.h5"),
            "it holds several setups, and whether these are channels or angles stands in 'cells.xml'"));
  fs::remove(folder / "cells.h5");
  xml(spimdata(setup_xml(0, 0, 0), kTwoTimepoints));
  CHECK(has(refusal("cells.xml"), "its voxels are in 'cells.h5', which is not there; put it beside the XML"));
  xml("<SpimData version='0.2'><SequenceDescription><ImageLoader format='bdv.n5'/><ViewSetups>" + setup_xml(0, 0, 0) +
      "</ViewSetups>" + kTwoTimepoints + "</SequenceDescription></SpimData>");
  CHECK(has(refusal("cells.xml"), "its voxels are kept as 'bdv.n5'; in BigDataViewer, export it as XML/HDF5"));
}

TEST_CASE_FIXTURE(Fixture, "an HDF5 volume: z, y, x and element_size_um, whatever the file is called") {
  if (!write("a.dat",
             "f['vol/raw'] = volume(0, 0, (4, 5, 6))\nf['vol/raw'].attrs['element_size_um'] = [1.5, 0.3, 0.2]\n"))
    return;
  const auto image = open_image(folder / "a.dat");
  CHECK(image->facts().importer.name == "hdf5");
  CHECK(image->facts().shape == Index3{4, 5, 6});
  CHECK(image->facts().spacing_um == Spacing{1.5, 0.3, 0.2});
  CHECK(numbered<std::uint16_t>(*image));
}

TEST_CASE_FIXTURE(Fixture, "an HDF5 volume: axistags name the axes, in any order") {
  for (const std::string axes : {"tczyx", "tzyxc", "xyz", "yx", "cxzy", "tyx"}) {
    CAPTURE(axes);
    if (!write("a.h5", "axes = '" + axes +
                           "'\nfull = numpy.array([[volume(t, c, (4, 5, 6)) for c in range(3)] for t in range(2)])\n"
                           "full = full[tuple(slice(None) if a in axes else 0 for a in 'tczyx')]\n"
                           "kept = [a for a in 'tczyx' if a in axes]\n"
                           "f['data'] = full.transpose([kept.index(a) for a in axes])\n"
                           "f['data'].attrs['axistags'] = '{\"axes\": [' + ', '.join('{\"key\": \"' + a + '\", "
                           "\"typeFlags\": 2}' for a in axes) + ']}'\n"))
      return;
    const auto image = open_image(folder / "a.h5");
    const auto length = [&](char axis, Index n) { return axes.find(axis) == std::string::npos ? 1 : n; };
    CHECK(image->facts().timepoints == length('t', 2));
    CHECK(static_cast<Index>(image->facts().channels.size()) == length('c', 3));
    CHECK(image->facts().shape == Index3{length('z', 4), 5, 6});
    CHECK(numbered<std::uint16_t>(*image));
  }
}

TEST_CASE_FIXTURE(Fixture, "an HDF5 volume: among several datasets one is chosen") {
  if (!write("a.h5",
             "f['raw'] = volume(0, 0, (4, 5, 6))\nf['label'] = volume(0, 0, (4, 5, 6), 'f8')\nf['table'] = [1, 2]\n"))
    return;
  const std::string file = "'" + (folder / "a.h5").string() + "'";
  CHECK(refusal("a.h5") ==
        file +
            ": it holds 2 datasets; choose one with --dataset PATH:\n  /label: 4 x 5 x 6 of float64\n"
            "  /raw: 4 x 5 x 6 of uint16");
  CHECK(has(refusal("a.h5", {.dataset = "rwa"}), "it has no dataset 'rwa' of 2 to 5 axes; it holds:\n  /label"));
  CHECK(numbered<std::uint16_t>(*open_image(folder / "a.h5", {.dataset = "raw"})));
  CHECK(numbered<float>(*open_image(folder / "a.h5", {.dataset = "/label"})));
  CHECK(has(refusal("a.h5", {.series = 1, .dataset = "raw"}), "it has no series 1"));
}

TEST_CASE_FIXTURE(Fixture, "an HDF5 volume: what cannot be read is refused with its reason") {
  if (!write("empty.h5", "f['x'] = 1\n")) return;
  CHECK(has(refusal("empty.h5"), "it holds no dataset of 2 to 5 axes, so no image"));
  REQUIRE(write("wide.h5", "f['x'] = volume(0, 0, (4, 5, 6), 'u8')\n"));
  CHECK(has(refusal("wide.h5"), "'/x' holds voxels of type uint64; 8-, 16- and 32-bit integers"));
  REQUIRE(write("four.h5", "f['x'] = numpy.zeros((2, 3, 4, 5), 'u1')\n"));
  CHECK(has(refusal("four.h5"), "'/x' is 2 x 3 x 4 x 5 and does not say which axes these are; give it axistags"));
  REQUIRE(write("tags.h5", "f['x'] = numpy.zeros((4, 5), 'u1')\nf['x'].attrs['axistags'] = '{\"key\": \"z\"}'\n"));
  CHECK(has(refusal("tags.h5"), "'/x' has 2 axes, but its axistags say 'z'"));
  REQUIRE(write("size.h5", "f['x'] = numpy.zeros((4, 5), 'u1')\nf['x'].attrs['element_size_um'] = [0.2, 0.2]\n"));
  CHECK(open_image(folder / "size.h5")->facts().calibration_note ==
        "its element_size_um is 0.2, 0.2, not three lengths z, y, x");
  REQUIRE(write("lzf.h5", "f.create_dataset('x', data=volume(0, 0, (4, 5, 6)), compression='lzf')\n"));
  std::vector<std::uint16_t> plane(30);
  CHECK(has(message_of<UserError>([&] { open_image(folder / "lzf.h5")->read_plane(0, 0, 0, plane.data()); }),
            "'/x': it is compressed by the HDF5 filter 'lzf' (number 32000), which is not installed here; save it with "
            "gzip"));
}

TEST_CASE_FIXTURE(Fixture, "an HDF5 file that was cut off is refused, and so is one that is none") {
  if (!write("a.h5", "f['raw'] = numpy.zeros((64, 64, 64), 'u2')\n")) return;
  const std::string bytes = read_file(folder / "a.h5");
  write_file_atomically(folder / "cut.h5", bytes.substr(0, bytes.size() / 2));
  CHECK(has(refusal("cut.h5"), "copy the file again from its source"));
  write_file_atomically(folder / "b.h5", "no HDF5 at all");
  CHECK(has(refusal("b.h5"), "'" + (folder / "b.h5").string() + "' is of no format that is read"));
  CHECK(has(refusal("b.h5", {.dataset = "raw"}), "is no HDF5 file, so it has no dataset 'raw'"));
}

namespace {
const std::string kImaris =
    "def text(g, **kw):\n"
    "    for k, v in kw.items(): g.attrs[k] = numpy.array([c.encode() for c in v], 'S1')\n"
    "text(f, ImarisDataSet='ImarisDataSet', ImarisVersion='5.5.0')\n"
    "image = f.create_group('DataSetInfo/Image')\n"
    "text(image, X='6', Y='5', Z='4', ExtMin0='10', ExtMax0='11.2', ExtMin1='0', ExtMax1='1.5', ExtMin2='-2', "
    "ExtMax2='4',\n"
    "     Unit='um', RecordingDate='2018-05-16 14:00:51.000', LensPower='63x', NumericalAperture='1.4')\n"
    "text(f.create_group('DataSetInfo/Channel 0'), Name='DAPI', LSMEmissionWavelength='461.5', "
    "LSMExcitationWavelength='405')\n"
    "text(f.create_group('DataSetInfo/Channel 1'), Name='(name not specified)', LSMEmissionWavelength='0')\n"
    "text(f.create_group('DataSetInfo/TimeInfo'), DatasetTimePoints='11', TimePoint1='2018-05-16 23:59:50.000',\n"
    "     TimePoint11='2018-05-17 00:00:55.000')\n"
    "for t in range(11):\n"
    "    for c in range(2):\n"
    "        g = f.create_group(f'DataSet/ResolutionLevel 0/TimePoint {t}/Channel {c}')\n"
    "        text(g, ImageSizeX='6', ImageSizeY='5', ImageSizeZ='4')\n"
    "        padded = numpy.zeros((8, 16, 16), 'u2')\n"
    "        padded[:4, :5, :6] = volume(t, c, (4, 5, 6))\n"
    "        g.create_dataset('Data', data=padded, chunks=(4, 16, 16), compression='gzip')\n";
}  // namespace

TEST_CASE_FIXTURE(Fixture, "Imaris: padding is cut off, calibration and channels come from the attributes") {
  if (!write("a.ims", kImaris)) return;
  const auto image = open_image(folder / "a.ims");
  const ImageFacts& f = image->facts();
  CHECK(f.importer.name == "imaris");
  CHECK(f.shape == Index3{4, 5, 6});
  CHECK(f.timepoints == 11);
  CHECK(f.spacing_um == Spacing{1.5, 0.3, 0.2});
  CHECK(f.time_step_s == 6.5);
  CHECK(f.channels == std::vector<record::Channel>{{"DAPI", 461.5, 405}, {"", std::nullopt, std::nullopt}});
  using Type = record::AnnotationType;
  CHECK(f.annotations ==
        std::vector<record::Annotation>{{{"acquired", Type::date, ""}, std::string("2018-05-16T14:00:51.000")},
                                        {{"numerical_aperture", Type::number, ""}, 1.4},
                                        {{"magnification", Type::number, ""}, 63.0}});
  CHECK(numbered<std::uint16_t>(*image));
}

TEST_CASE_FIXTURE(Fixture, "Imaris: a missing volume or one that is too small is refused") {
  if (!write("a.ims", kImaris + "del f['DataSet/ResolutionLevel 0/TimePoint 7/Channel 1/Data']\n")) return;
  CHECK(has(refusal("a.ims"),
            "it has no '/DataSet/ResolutionLevel 0/TimePoint 7/Channel 1/Data'; the image is not complete"));
  REQUIRE(write("a.ims", kImaris +
                             "del f['DataSet/ResolutionLevel 0/TimePoint 7/Channel 1/Data']\n"
                             "f['DataSet/ResolutionLevel 0/TimePoint 7/Channel 1/Data'] = volume(7, 1, (3, 5, 6))\n"));
  CHECK(has(refusal("a.ims"),
            "Channel 1/Data' holds 3 x 5 x 6 of uint16, but the image is 4 x 5 x 6 (z, y, x) of uint16"));
  REQUIRE(write("a.ims", kImaris + "text(image, Unit='pixel')\n"));
  CHECK(open_image(folder / "a.ims")->facts().calibration_note == "its unit is 'pixel', which is no length");
}
