// What both profiles write, read back by the room itself, by tifffile and by ImageJ's own opener.
#include "pipeline/interop/tiff_writer.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include "pipeline/core/error.hpp"
#include "pipeline/interop/tiff_image.hpp"
#include "pipeline/interop/tiff_layout.hpp"
#include "tests/interop/tiff_samples.hpp"
#include "tests/support/oracles.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace fs = std::filesystem;

namespace {
TiffStack five_axes(TiffProfile profile, DType dtype, Index3 shape = {3, 5, 7}) {
  TiffStack stack;
  stack.profile = profile;
  stack.dtype = dtype;
  stack.shape = shape;
  stack.channels = 2;
  stack.timepoints = 4;
  stack.spacing = {{{0.5}, {0.13}, {0.2}}};
  stack.time_step_s = 30;
  stack.name = "Kärtchen <1>";
  stack.channel_details = {{"DAPI", 460.0, 405.0}, {"µ-GFP", std::nullopt, std::nullopt}};
  stack.notes = {{"name", "Kärtchen <1>"}, {"content_digest", "sha256:00ff"}};
  return stack;
}

/// Plane number i holds numbered_page(i).
template <class T>
void write_numbered(const fs::path& file, const TiffStack& stack, Existing existing = Existing::refuse) {
  TiffWriter writer(file, stack, existing);
  const int planes = static_cast<int>(stack.shape[kZ]) * stack.channels * stack.timepoints;
  for (int i = 0; i < planes; ++i)
    writer.write_plane(
        numbered_page<T>(i, static_cast<std::uint32_t>(stack.shape[kY]), static_cast<std::uint32_t>(stack.shape[kX]))
            .voxels.data());
  writer.finish();
}

template <class T>
void check_round_trip(const fs::path& file, TiffProfile profile, const Index3& shape) {
  const TiffStack stack = five_axes(profile, dtype_of<T>(), shape);
  write_numbered<T>(file, stack, Existing::replace);
  TiffImage image(file);
  CHECK(image.facts().shape == stack.shape);
  CHECK(stored_dtype(image.facts().type) == stack.dtype);
  CHECK(image.facts().timepoints == 4);
  CHECK(image.facts().channels.size() == 2);
  CHECK(image.facts().spacing_um == std::array<std::optional<double>, 3>{0.5, 0.13, 0.2});
  CHECK(image.facts().time_step_s == 30);
  std::vector<T> voxels(static_cast<std::size_t>(shape[kY] * shape[kX]));
  for (int t = 0; t < 4; ++t)
    for (int z = 0; z < 3; ++z)
      for (int c = 0; c < 2; ++c) {
        image.read_plane(t, c, z, voxels.data());
        CHECK(voxels == numbered_page<T>(c + 2 * (z + 3 * t), static_cast<std::uint32_t>(shape[kY]),
                                         static_cast<std::uint32_t>(shape[kX]))
                            .voxels);
      }
}

const std::string kOpenInImageJ =
    "imp = new ij.io.Opener().openImage(bsh.args[0]);\n"
    "c = imp.getCalibration();\n"
    "print(imp.getBitDepth() + \" bit \" + imp.getNChannels() + \" \" + imp.getNSlices() + \" \" + imp.getNFrames());\n"
    "print(c.getUnit() + \" \" + c.pixelWidth + \" \" + c.pixelHeight + \" \" + c.pixelDepth + \" \" + "
    "c.frameInterval);\n"
    "for (int i : new int[] {1, 2, 7, 24}) print(imp.getStack().getSliceLabel(i) + \" \" + "
    "imp.getStack().getProcessor(i).getf(3, 2));\n"
    "for (lut : imp.getLuts()) print(lut.min + \" \" + lut.max);\n"
    "print(imp.getInfoProperty());\n";
}  // namespace

TEST_CASE("axes, calibration and voxels come back as they were written") {
  const TestFolder folder;
  for (const auto profile : {TiffProfile::imagej, TiffProfile::ome}) {
    CAPTURE(static_cast<int>(profile));
    // Smaller than a tile, and larger without being a multiple of one.
    for (const Index3& shape : {Index3{3, 5, 7}, Index3{3, 257, 300}}) {
      check_round_trip<std::uint8_t>(folder / "a.tif", profile, shape);
      check_round_trip<std::uint16_t>(folder / "a.tif", profile, shape);
      check_round_trip<float>(folder / "a.tif", profile, shape);
    }
  }
}

TEST_CASE("boxes of rows in any order give the same bytes as planes, where planes have their places") {
  const TestFolder folder;
  const TiffStack stack = five_axes(TiffProfile::imagej, DType::uint16);
  write_numbered<std::uint16_t>(folder / "planes.tif", stack);
  TiffWriter writer(folder / "boxes.tif", stack);
  CHECK(writer.row_step() == 1);
  for (const int t : {3, 1, 0, 2})
    for (const int c : {1, 0})
      for (const Index y : {3, 0}) {
        const Box3 box{{0, y, 0}, {3, y == 0 ? 3 : 2, 7}};
        std::vector<std::uint16_t> voxels;
        for (int z = 0; z < 3; ++z) {
          const auto page = numbered_page<std::uint16_t>(c + 2 * (z + 3 * t), 5, 7).voxels;
          voxels.insert(voxels.end(), page.begin() + y * 7, page.begin() + box.end(kY) * 7);
        }
        writer.write(t, c, box, voxels.data());
      }
  writer.finish();
  CHECK(read_file(folder / "boxes.tif") == read_file(folder / "planes.tif"));
}

TEST_CASE("tifffile reads the ImageJ profile: axes, calibration, labels, ranges, provenance and voxels") {
  const TestFolder folder;
  write_numbered<std::uint16_t>(folder / "a.tif", five_axes(TiffProfile::imagej, DType::uint16));
  const auto text = python_says(
      "import sys, tifffile\n"
      "with tifffile.TiffFile(sys.argv[1]) as tif:\n"
      "    s, m = tif.series[0], tif.imagej_metadata\n"
      "    print(tif.is_imagej, len(tif.pages), s.axes, s.shape, s.dtype, m['unit'], m['spacing'], m['finterval'])\n"
      "    n, d = tif.pages[0].tags['XResolution'].value\n"
      "    print(round(d / n, 6), [int(v) for v in s.asarray()[:, 1, 1, 2, 3]])\n"
      "    print(m['mode'], m['Labels'][:3], [int(v) for v in m['Ranges']])\n"
      "    print(ascii(m['Info']))\n"
      "    print([int(p.asarray()[2, 3]) for p in tif.pages][:8])\n",
      {(folder / "a.tif").string()});
  if (text)
    CHECK(*text ==
          "True 24 TZCYX (4, 3, 2, 5, 7) uint16 micron 0.5 30\n0.2 [3023, 9023, 15023, 21023]\n"
          "composite ['DAPI', 'µ-GFP', 'DAPI'] [0, 22046, 1000, 23046]\n"
          "'name: K\\xe4rtchen <1>\\ncontent_digest: sha256:00ff\\n'\n"
          "[23, 1023, 2023, 3023, 4023, 5023, 6023, 7023]\n");
}

TEST_CASE("ImageJ opens its profile as a calibrated hyperstack with every voxel in its place") {
  const TestFolder folder;
  write_numbered<std::uint16_t>(folder / "a.tif", five_axes(TiffProfile::imagej, DType::uint16));
  const auto text = imagej_says(kOpenInImageJ, {(folder / "a.tif").string()});
  if (text)
    CHECK(*text ==
          "16 bit 2 3 4\nmicron 0.2 0.13 0.5 30.0\nDAPI 23.0\nµ-GFP 1023.0\nDAPI 6023.0\nµ-GFP 23023.0\n"
          "0.0 22046.0\n1000.0 23046.0\nname: Kärtchen <1>\ncontent_digest: sha256:00ff\n\n");
}

TEST_CASE("ImageJ shows a single channel from its lowest to its highest value, and values for scaled numbers") {
  const TestFolder folder;
  TiffStack stack = five_axes(TiffProfile::imagej, DType::uint16);
  stack.channels = 1, stack.timepoints = 1;
  stack.channel_details.clear();
  stack.time_step_s.reset();
  stack.values = LinearScale{-1, 0.5};
  write_numbered<std::uint16_t>(folder / "a.tif", stack);
  const auto text = imagej_says(
      "imp = new ij.io.Opener().openImage(bsh.args[0]);\n"
      "print(imp.getDisplayRangeMin() + \" \" + imp.getDisplayRangeMax());\n"
      "print(imp.getCalibration().getCValue(10));\n",
      {(folder / "a.tif").string()});
  if (text) CHECK(*text == "0.0 2046.0\n4.0\n");
}

TEST_CASE("beyond 4 GB the ImageJ profile has one directory, and ImageJ and tifffile find the last plane") {
  const TestFolder folder;
  TiffStack stack;
  stack.dtype = DType::uint8;
  stack.shape = {65, 8192, 8192};
  stack.spacing = {{{1.5}, {1}, {1}}};
  std::vector<std::uint8_t> plane(8192 * 8192);
  TiffWriter writer(folder / "a.tif", stack);
  for (Index z = 0; z < stack.shape[kZ]; ++z) {
    plane.back() = z + 1 == stack.shape[kZ] ? 7 : 0;
    writer.write_plane(plane.data());
  }
  writer.finish();
  CHECK(fs::file_size(folder / "a.tif") > (std::uint64_t{1} << 32));
  const std::string file = (folder / "a.tif").string();
  const auto java = imagej_says(
      "fi = new ij.io.TiffDecoder(\"/\", bsh.args[0].substring(1)).getTiffInfo();\n"
      "stack = new ij.plugin.FileInfoVirtualStack(fi[0], false);\n"
      "print(fi.length + \" \" + stack.getSize() + \" \" + stack.getProcessor(65).get(8191, 8191));\n",
      {file});
  if (java) CHECK(*java == "1 65 7\n");
  const auto python = python_says(
      "import sys, tifffile\n"
      "with tifffile.TiffFile(sys.argv[1]) as tif:\n"
      "    print(len(tif.pages), tif.series[0].shape, tifffile.memmap(sys.argv[1])[-1, -1, -1])\n",
      {file});
  if (python) CHECK(*python == "1 (65, 8192, 8192) 7\n");
}

TEST_CASE("tifffile reads the OME profile: axes, calibration, channel names, provenance and voxels") {
  const TestFolder folder;
  write_numbered<std::uint16_t>(folder / "a.ome.tif", five_axes(TiffProfile::ome, DType::uint16, {3, 257, 300}));
  const auto text = python_says(
      "import sys, tifffile\n"
      "with tifffile.TiffFile(sys.argv[1]) as tif:\n"
      "    s, p = tif.series[0], tif.pages[0]\n"
      "    print(tif.is_ome, tif.is_bigtiff, s.kind, s.axes, s.shape, s.dtype, p.tile, p.compression.name, "
      "p.predictor)\n"
      "    a = s.asarray()\n"
      "    print([int(v) for v in a[:, 1, 1, 2, 3]], int(a[3, 2, 1, 256, 299]))\n"
      "    m = tifffile.xml2dict(tif.ome_metadata)['OME']\n"
      "    px = m['Image']['Pixels']\n"
      "    print(ascii(m['Image']['Name']), px['PhysicalSizeZ'], px['PhysicalSizeY'], px['PhysicalSizeX'], "
      "ascii(px['PhysicalSizeXUnit']), px['TimeIncrement'], px['TimeIncrementUnit'])\n"
      "    print(ascii([(c['Name'], c.get('EmissionWavelength')) for c in px['Channel']]))\n"
      "    print(ascii([(n['K'], n['value']) for n in m['StructuredAnnotations']['MapAnnotation']['Value']['M']]))\n"
      "    print(p.description.isascii())\n",
      {(folder / "a.ome.tif").string()});
  if (text)
    CHECK(*text ==
          "True False ome TZCYX (4, 3, 2, 257, 300) uint16 (256, 256) ADOBE_DEFLATE 2\n"
          "[3023, 9023, 15023, 21023] 25859\n"
          "'K\\xe4rtchen <1>' 0.5 0.13 0.2 '\\xb5m' 30 s\n"
          "[('DAPI', 460), ('\\xb5-GFP', None)]\n"
          "[('name', 'K\\xe4rtchen <1>'), ('content_digest', 'sha256:00ff')]\nTrue\n");
}

TEST_CASE("an OME-TIFF holds smaller copies of each plane, means of intensities and labels of labels") {
  const TestFolder folder;
  TiffStack stack = five_axes(TiffProfile::ome, DType::uint16, {3, 301, 1030});
  write_numbered<std::uint16_t>(folder / "mean.ome.tif", stack);
  stack.kind = record::ImageKind::labels;
  write_numbered<std::uint16_t>(folder / "mode.ome.tif", stack);
  const auto text = python_says(
      "import sys, tifffile, numpy\n"
      "def parts(a):\n"
      "    a = a[..., : a.shape[-2] // 2 * 2, : a.shape[-1] // 2 * 2]\n"
      "    return numpy.stack([a[..., y::2, x::2] for y in (0, 1) for x in (0, 1)]).astype(int)\n"
      "for file in sys.argv[1:]:\n"
      "    with tifffile.TiffFile(file) as tif:\n"
      "        levels = [level.asarray() for level in tif.series[0].levels]\n"
      "    print([a.shape for a in levels])\n"
      "    for fine, coarse in zip(levels, levels[1:]):\n"
      "        p = parts(fine)\n"
      "        print(numpy.array_equal(coarse, (p.sum(0) + 2) // 4), (p == coarse).any(0).all())\n",
      {(folder / "mean.ome.tif").string(), (folder / "mode.ome.tif").string()});
  if (!text) return;
  const std::string shapes = "[(4, 3, 2, 301, 1030), (4, 3, 2, 150, 515), (4, 3, 2, 75, 257), (4, 3, 2, 37, 128)]\n";
  CHECK(*text == shapes + "True False\nTrue False\nTrue False\n" + shapes + "False True\nFalse True\nFalse True\n");
}

TEST_CASE("the OME-XML has the elements, their order and the attributes that the 2016-06 schema asks for") {
  const TestFolder folder;
  write_numbered<std::uint8_t>(folder / "a.ome.tif", five_axes(TiffProfile::ome, DType::uint8));
  const std::string xml = TiffImage(folder / "a.ome.tif").facts().description;
  INFO(xml);
  CHECK(xml.starts_with(
      R"(<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06")"));
  std::size_t at = 0;
  for (const char* part :
       {"<Image ID=\"Image:0\" Name=", "<Pixels ID=\"Pixels:0\" DimensionOrder=\"XYCZT\" Type=\"uint8\" ",
        "SizeX=\"7\" SizeY=\"5\" SizeC=\"2\" SizeZ=\"3\" SizeT=\"4\" ", "<Channel ID=\"Channel:0:0\"",
        "SamplesPerPixel=\"1\"", "<Channel ID=\"Channel:0:1\"", "<TiffData IFD=\"0\" PlaneCount=\"24\"/></Pixels>",
        "<AnnotationRef ID=\"Annotation:0\"/></Image>",
        "<StructuredAnnotations><MapAnnotation ID=\"Annotation:0\" Namespace=\"voxflow\"><Value><M K=\"name\">"}) {
    CAPTURE(part);
    const std::size_t found = xml.find(part, at);
    CHECK(found != std::string::npos);
    if (found != std::string::npos) at = found;
  }
}

TEST_CASE("an OME-TIFF is a BigTIFF from 3.9 GB on, and reads the same") {
  TiffStack stack = five_axes(TiffProfile::ome, DType::uint16, {3, 257, 300});
  CHECK(ome_form(stack) == TiffForm::classic);
  stack.shape = {170, 1024, 1024};
  CHECK(ome_form(stack) == TiffForm::classic);
  stack.shape = {180, 1024, 1024};
  CHECK(ome_form(stack) == TiffForm::big);

  const TestFolder folder;
  stack.shape = {3, 257, 300};
  write_numbered<std::uint16_t>(folder / "classic.tif", stack);
  OutputFile out(folder / "big.tif", Existing::refuse);
  const auto layout = ome_layout(stack, out, TiffForm::big);
  for (int i = 0; i < 24; ++i)
    layout->write(i / 6, i % 2, {{i / 2 % 3, 0, 0}, {1, 257, 300}},
                  numbered_page<std::uint16_t>(i, 257, 300).voxels.data());
  layout->finish();
  out.commit();
  CHECK(read_file(folder / "big.tif").substr(0, 4) == std::string("II\x2b\0", 4));
  TiffImage classic(folder / "classic.tif"), big(folder / "big.tif");
  CHECK(big.facts().description == classic.facts().description);
  std::vector<std::uint16_t> a(257 * 300), b(257 * 300);
  for (int t = 0; t < 4; ++t) {
    classic.read_plane(t, 1, 2, a.data());
    big.read_plane(t, 1, 2, b.data());
    CHECK(a == b);
  }
  const auto text = python_says(
      "import sys, tifffile\n"
      "with tifffile.TiffFile(sys.argv[1]) as tif:\n"
      "    print(tif.is_bigtiff, tif.is_ome, tif.series[0].shape, int(tif.asarray()[3, 2, 1, 256, 299]))\n",
      {(folder / "big.tif").string()});
  if (text) CHECK(*text == "True True (4, 3, 2, 257, 300) 25859\n");
}

TEST_CASE("a file that is there stays as it was, unless it is to be replaced") {
  const TestFolder folder;
  const auto file = folder / "a.tif";
  write_file_atomically(file, "mine");
  const TiffStack stack = five_axes(TiffProfile::imagej, DType::uint8);
  CHECK(message_of<UserError>([&] { TiffWriter writer(file, stack); }) ==
        "'" + file.string() + "' is there already; remove it, or write elsewhere");
  CHECK(read_file(file) == "mine");
  write_numbered<std::uint8_t>(file, stack, Existing::replace);
  CHECK(TiffFile(file).page_count() == 24);
}

TEST_CASE("a file that comes up while another is written is not replaced") {
  const TestFolder folder;
  TiffStack stack = five_axes(TiffProfile::ome, DType::uint8);
  stack.channels = 1, stack.timepoints = 1, stack.shape[kZ] = 1;
  stack.channel_details.clear();
  TiffWriter writer(folder / "a.tif", stack);
  writer.write_plane(numbered_page<std::uint8_t>(0, 5, 7).voxels.data());
  write_file_atomically(folder / "a.tif", "mine");
  CHECK_THROWS_AS(writer.finish(), UserError);
  CHECK(read_file(folder / "a.tif") == "mine");
}

TEST_CASE("nothing is left of a file that was not finished") {
  const TestFolder folder;
  {
    TiffWriter writer(folder / "a.tif", five_axes(TiffProfile::imagej, DType::uint8));
    writer.write_plane(numbered_page<std::uint8_t>(0, 5, 7).voxels.data());
    CHECK(has(message_of<InternalError>([&] { writer.finish(); }), "holds 120 rows, but 5 were written"));
  }
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("what ImageJ could not read is refused") {
  const TestFolder folder;
  TiffStack stack = five_axes(TiffProfile::imagej, DType::uint32);
  const auto refusal = [&] { return message_of<UserError>([&] { TiffWriter writer(folder / "a.tif", stack); }); };
  CHECK(has(refusal(), "ImageJ reads no 32-bit integers; write uint8, uint16 or float32"));
  stack.dtype = DType::uint8;
  stack.shape = {1, 50'000, 50'000};
  CHECK(has(refusal(), "its planes are 50000 x 50000 voxels (y, x), and ImageJ reads at most 2147483647 in one"));
}

TEST_CASE("a folder that is not there is a system error that names the file") {
  const TestFolder folder;
  const auto message = message_of<SystemError>(
      [&] { TiffWriter writer(folder / "none" / "a.tif", five_axes(TiffProfile::imagej, DType::uint8)); });
  CHECK(has(message, "cannot write '" + (folder / "none" / "a.tif").string() + "': No such file or directory"));
}

TEST_CASE("a full disk is told apart from other errors") {
  if (!fs::exists("/dev/full")) {
    MESSAGE("skipped: there is no /dev/full");
    return;
  }
  const TestFolder folder;
  const TiffStack stack = five_axes(TiffProfile::imagej, DType::uint8);
  // The writer's own temporary name, made to lead to a device that is always full.
  fs::create_symlink("/dev/full", folder / fmt::format(".a.tif.tmp-{}", ::getpid()));
  CHECK_THROWS_AS(write_numbered<std::uint8_t>(folder / "a.tif", stack), DiskFullError);
}
