// MetaImage, NRRD, NIfTI and PNG, written by Python from the formats' descriptions and read by ITK.
#include "pipeline/interop/itk_image.hpp"

#include <doctest/doctest.h>

#include "pipeline/core/error.hpp"
#include "tests/interop/numbered_image.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace {
using Type = record::AnnotationType;

std::string meta_image(const std::string& more = "", const std::string& data = "volume(0, 0, (4, 5, 6)).tobytes()",
                       const std::string& element = "MET_USHORT") {
  return "head = '''ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nDimSize = 6 5 "
         "4\n" +
         more + "ElementType = " + element +
         "\nElementDataFile = LOCAL\n'''\nopen(sys.argv[1], 'wb').write(head.encode() + " + data + ")";
}

std::string nrrd(const std::string& more, const std::string& encoding = "raw") {
  return "head = '''NRRD0004\ntype: uint16\ndimension: 3\nsizes: 6 5 4\nendian: little\nencoding: " + encoding + "\n" +
         more + "\n'''\nraw = volume(0, 0, (4, 5, 6)).tobytes()\nopen(sys.argv[1], 'wb').write(head.encode() + " +
         (encoding == "gzip" ? "gzip.compress(raw)" : "raw") + ")";
}

/// `units`: of xyzt_units; `open_with`: "open" or "gzip.open".
std::string nifti(const std::string& units, const std::string& open_with = "open") {
  return "h = bytearray(352)\ndef put(at, form, *values): struct.pack_into('<' + form, h, at, *values)\n"
         "put(0, 'i', 348)\nput(40, '8h', 4, 6, 5, 4, 2, 1, 1, 1)\nput(70, '2h', 512, 16)\n"
         "put(76, '8f', 1, 0.2, 0.3, 1.5, 2.5, 0, 0, 0)\nput(108, 'f', 352)\nput(123, 'B', " +
         units + ")\nh[344:348] = b'n+1\\0'\nfile = " + open_with +
         "(sys.argv[1], 'wb')\nfile.write(bytes(h) + b''.join(volume(t, 0, (4, 5, 6)).tobytes() for t in (0, 1)))\n"
         "file.close()";
}

std::optional<std::string> annotation(const ImageFile& image, const std::string& key) {
  for (const auto& a : image.facts().annotations)
    if (a.key.name == key) return std::get<std::string>(a.value);
  return std::nullopt;
}
}  // namespace

TEST_CASE_FIXTURE(SampleFolder, "MetaImage: voxels, and the spacing in millimetres or in the unit that it names") {
  if (!write("a.mha", meta_image("ElementSpacing = 0.0002 0.0003 0.0015\n"))) return;
  const auto image = open_image(folder / "a.mha");
  CHECK(image->facts().importer.name == "metaimage");
  CHECK(image->facts().importer.version.starts_with("ITK 5"));
  CHECK(image->facts().type == SampleType::uint16);
  CHECK(image->facts().shape == Index3{4, 5, 6});
  CHECK(image->facts().spacing_um == Spacing{1.5, 0.3, 0.2});
  CHECK(annotation(*image, "file_spacing_unit") == "not named; taken for mm");
  CHECK(numbered<std::uint16_t>(*image));
  REQUIRE(write("b.mha", meta_image("DistanceUnits = um\nElementSpacing = 0.2 0.3 1.5\n")));
  CHECK(open_image(folder / "b.mha")->facts().spacing_um == Spacing{1.5, 0.3, 0.2});
  CHECK_FALSE(annotation(*open_image(folder / "b.mha"), "file_spacing_unit").has_value());
  REQUIRE(write("c.mha", meta_image()));
  CHECK(open_image(folder / "c.mha")->facts().spacing_um == Spacing{});
}

TEST_CASE_FIXTURE(SampleFolder, "MetaImage: compressed voxels, and voxels in a file of their own") {
  if (!write("a.mha", "import zlib\nraw = zlib.compress(volume(0, 0, (4, 5, 6)).tobytes())\n" +
                          meta_image("CompressedData = True\nCompressedDataSize = ''' + str(len(raw)) + '''\n", "raw")))
    return;
  CHECK(numbered<std::uint16_t>(*open_image(folder / "a.mha")));
  REQUIRE(write("m.mha", "import zlib\nraw = zlib.compress(volume(0, 0, (4, 5, 6), '>u2').tobytes())\n" +
                             meta_image("CompressedData = True\nElementByteOrderMSB = True\n", "raw")));
  CHECK(numbered<std::uint16_t>(*open_image(folder / "m.mha")));
  REQUIRE(write("b.mhd",
                "open(sys.argv[1][:-3] + 'raw', 'wb').write(volume(0, 0, (4, 5, 6)).tobytes())\n"
                "open(sys.argv[1], 'w').write('ObjectType = Image\\nNDims = 3\\nDimSize = 6 5 4\\n"
                "ElementType = MET_USHORT\\nElementDataFile = b.raw\\n')"));
  const auto image = open_image(folder / "b.mhd");
  CHECK(image->files() == std::vector<std::filesystem::path>{folder / "b.mhd", folder / "b.raw"});
  CHECK(numbered<std::uint16_t>(*image));
  std::filesystem::remove(folder / "b.raw");
  CHECK(refusal("b.mhd") == place("b.mhd") + ": its voxels are in 'b.raw', which is no file beside it");
}

TEST_CASE_FIXTURE(SampleFolder, "NRRD: raw and compressed voxels, spacing from either field, directions noted") {
  if (!write("a.nrrd", nrrd("spacings: 0.2 0.3 1.5\nunits: \"um\" \"um\" \"um\"\n"))) return;
  const auto raw = open_image(folder / "a.nrrd");
  CHECK(raw->facts().importer.name == "nrrd");
  CHECK(raw->facts().spacing_um == Spacing{1.5, 0.3, 0.2});
  CHECK(numbered<std::uint16_t>(*raw));
  REQUIRE(write("b.nrrd", nrrd("space: left-posterior-superior\nspace directions: (0.2,0,0) (0,0.3,0) (0,0,-1.5)\n"
                               "space units: \"micron\" \"micron\" \"micron\"\n",
                               "gzip")));
  const auto turned = open_image(folder / "b.nrrd");
  CHECK(turned->facts().spacing_um == Spacing{1.5, 0.3, 0.2});
  CHECK(annotation(*turned, "axis_directions") == "1 0 0 0 1 0 0 0 -1");
  CHECK(numbered<std::uint16_t>(*turned));
  turned->close();
  CHECK(numbered<std::uint16_t>(*turned));
  REQUIRE(write("c.nrrd", nrrd("")));
  CHECK(open_image(folder / "c.nrrd")->facts().calibration_note == "its header gives none");
}

TEST_CASE_FIXTURE(SampleFolder, "NIfTI: the fourth axis is time, units become micrometres and seconds") {
  constexpr const char *kMicrometresAndSeconds = "3 + 8", *kMillimetresAndMilliseconds = "2 + 16", *kNone = "0";
  for (const auto& [name, open_with] : {std::pair{"a.nii", "open"}, {"a.nii.gz", "gzip.open"}}) {
    CAPTURE(name);
    if (!write(name, nifti(kMicrometresAndSeconds, open_with))) return;
    const auto image = open_image(folder / name);
    CHECK(image->facts().importer.name == "nifti");
    CHECK(image->facts().shape == Index3{4, 5, 6});
    CHECK(image->facts().timepoints == 2);
    CHECK(image->facts().time_step_s == 2.5);
    CHECK(image->facts().spacing_um == Spacing{1.5, 0.3, 0.2});
    CHECK(numbered<std::uint16_t>(*image));
  }
  REQUIRE(write("b.nii", nifti(kMillimetresAndMilliseconds)));
  CHECK(open_image(folder / "b.nii")->facts().spacing_um == Spacing{1500, 300, 200});
  CHECK(open_image(folder / "b.nii")->facts().time_step_s == 0.0025);
  REQUIRE(write("c.nii", nifti(kNone)));
  CHECK(annotation(*open_image(folder / "c.nii"), "file_spacing_unit") == "not named; taken for mm");
}

TEST_CASE_FIXTURE(SampleFolder, "PNG: a grey picture is one plane without spacing, a colour picture is refused") {
  const std::string png =
      "import zlib\ndef png(kind, rows):\n"
      "    def part(name, data): return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name "
      "+ "
      "data))\n"
      "    return (b'\\x89PNG\\r\\n\\x1a\\n' + part(b'IHDR', struct.pack('>IIBBBBB', 6, 5, 8, kind, 0, 0, 0)) +\n"
      "            part(b'IDAT', zlib.compress(b''.join(b'\\0' + r for r in rows))) + part(b'IEND', b''))\n";
  if (!write("a.png",
             png + "open(sys.argv[1], 'wb').write(png(0, [r.tobytes() for r in volume(0, 0, (1, 5, 6), 'u1')[0]]))"))
    return;
  const auto image = open_image(folder / "a.png");
  CHECK(image->facts().shape == Index3{1, 5, 6});
  CHECK(image->facts().spacing_um == Spacing{});
  CHECK(numbered<std::uint8_t>(*image));
  REQUIRE(write("b.png", png + "open(sys.argv[1], 'wb').write(png(2, [bytes(18)] * 5))"));
  CHECK(refusal("b.png") ==
        place("b.png") + ": it has 3 values a voxel; split it into channels first, one file a channel");
}

TEST_CASE_FIXTURE(SampleFolder, "files that are cut off or of other types are refused") {
  if (!write("a.mha", meta_image("", "volume(0, 0, (2, 5, 6)).tobytes()"))) return;
  std::vector<std::uint16_t> plane(30);
  CHECK(refusal("a.mha") ==
        place("a.mha") +
            ": it is cut off: 120 bytes of voxels are there, 240 should be; copy the file again from its "
            "source");
  REQUIRE(
      write("z.mha", "import zlib\nraw = bytearray(zlib.compress(volume(0, 0, (4, 5, 6)).tobytes()))\nraw[90] ^= 1\n" +
                         meta_image("CompressedData = True\n", "raw")));
  const auto read_last = [&](const char* name) {
    return message_of<UserError>([&] { open_image(folder / name)->read_plane(0, 0, 3, plane.data()); });
  };
  CHECK(has(read_last("z.mha"), "it is damaged ("));
  REQUIRE(write("g.nii.gz", nifti("3", "gzip.open") +
                                "\nraw = open(sys.argv[1], 'rb').read()\nopen(sys.argv[1], 'wb').write(raw[:-200])"));
  CHECK(has(refusal("g.nii.gz"), "its compressed voxels are damaged or cut off: "));
  REQUIRE(write("g.nrrd",
                nrrd("", "gzip") + "\nraw = open(sys.argv[1], 'rb').read()\nopen(sys.argv[1], 'wb').write(raw[:-60])"));
  CHECK(has(refusal("g.nrrd"), "its compressed voxels are damaged or cut off: "));
  REQUIRE(
      write("b.nrrd", nrrd("") + "\nraw = open(sys.argv[1], 'rb').read()\nopen(sys.argv[1], 'wb').write(raw[:-70])"));
  CHECK(has(read_last("b.nrrd"), "copy the file again from its source"));
  REQUIRE(
      write("c.nii", nifti("3") + "\nraw = open(sys.argv[1], 'rb').read()\nopen(sys.argv[1], 'wb').write(raw[:-300])"));
  CHECK(has(refusal("c.nii"), "it is cut off: 180 bytes of voxels are there, 480 should be"));
  REQUIRE(write("d.mha", meta_image("", "bytes(960)", "MET_LONG_LONG")));
  CHECK(has(refusal("d.mha"), "it holds voxels of type long_long; 8-, 16- and 32-bit integers"));
}

TEST_CASE_FIXTURE(SampleFolder, "what is held whole and does not fit into memory is refused before it is read") {
  write_file_atomically(folder / "huge.nrrd",
                        "NRRD0004\ntype: uint16\ndimension: 3\nsizes: 2000000 2000000 4\nendian: little\n"
                        "encoding: raw\n\nabcd");
  const std::string said = refusal("huge.nrrd");
  CHECK(has(said, place("huge.nrrd") + ": its voxels are 32000.0 GB, which are held in memory as a whole"));
  CHECK(has(said, "write it as MetaImage or NIfTI without compression, or as OME-TIFF"));
}
