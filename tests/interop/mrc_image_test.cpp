// MRC files of every mode and byte order, written by Python from the standard's table.
#include "pipeline/interop/mrc_image.hpp"

#include <doctest/doctest.h>

#include "pipeline/core/error.hpp"
#include "tests/interop/numbered_image.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace {
/// `order`: "<" or ">"; the cell is 12 x 15 x 60 Angstrom of 6 x 5 x 4 samples (x, y, z).
std::string mrc(const std::string& mode, const std::string& dtype, const std::string& order = "<",
                const std::string& more = "") {
  return "mode, dtype, order = " + mode + ", '" + dtype + "', '" + order +
         "'\n"
         "header = bytearray(1024)\n"
         "def put(at, form, *values): struct.pack_into(order + form, header, at, *values)\n"
         "put(0, '4i', 6, 5, 4, mode)\nput(28, '3i', 6, 5, 4)\nput(40, '3f', 12, 15, 60)\nput(64, '3i', 1, 2, 3)\n"
         "extended = b''\nheader[208:212] = b'MAP '\n"
         "header[212:214] = b'\\x44\\x44' if order == '<' else b'\\x11\\x11'\n"
         "header[224:236] = b'from a test '\n"
         "voxels = volume(0, 0, (4, 5, 6), order + dtype).tobytes()\n" +
         more + "\nopen(sys.argv[1], 'wb').write(bytes(header) + extended + voxels)";
}
}  // namespace

TEST_CASE_FIXTURE(SampleFolder, "16-bit integers and floats of either byte order have their voxels and spacing") {
  for (const std::string order : {"<", ">"}) {
    CAPTURE(order);
    if (!write("a.mrc", mrc("6", "u2", order))) return;
    const auto image = open_image(folder / "a.mrc");
    const ImageFacts& f = image->facts();
    CHECK(f.importer.name == "mrc");
    CHECK(f.type == SampleType::uint16);
    CHECK(f.shape == Index3{4, 5, 6});
    CHECK(f.spacing_um == Spacing{15e-4, 3e-4, 2e-4});
    CHECK(f.description == "from a test");
    CHECK(numbered<std::uint16_t>(*image));
    REQUIRE(write("a.mrc", mrc("1", "i2", order)));
    CHECK(open_image(folder / "a.mrc")->facts().type == SampleType::int16);
    CHECK(numbered<float>(*open_image(folder / "a.mrc")));
    REQUIRE(write("a.mrc", mrc("2", "f4", order)));
    CHECK(numbered<float>(*open_image(folder / "a.mrc")));
  }
}

TEST_CASE_FIXTURE(SampleFolder, "bytes have a sign, unless IMOD says that they have none") {
  const std::string bytes = "voxels = bytes([255] * 120)\n";
  if (!write("a.mrc", mrc("0", "u1", "<", bytes))) return;
  std::vector<float> plane(30);
  open_image(folder / "a.mrc")->read_plane(0, 0, 1, plane.data());
  CHECK(plane.front() == -1);
  REQUIRE(write("a.mrc", mrc("0", "u1", "<", bytes + "put(152, '2i', 1146047817, 0)")));
  CHECK(open_image(folder / "a.mrc")->facts().type == SampleType::uint8);
}

TEST_CASE_FIXTURE(SampleFolder, "an extended header is skipped") {
  if (!write("a.mrc", mrc("6", "u2", "<", "extended = b'x' * 160\nput(92, 'i', 160)"))) return;
  CHECK(numbered<std::uint16_t>(*open_image(folder / "a.mrc")));
}

TEST_CASE_FIXTURE(SampleFolder, "a map without a cell has no spacing") {
  if (!write("a.mrc", mrc("6", "u2", "<", "put(40, '3f', 0, 0, 0)"))) return;
  CHECK(open_image(folder / "a.mrc")->facts().spacing_um == Spacing{});
  CHECK(open_image(folder / "a.mrc")->facts().calibration_note == "its header gives no cell dimensions");
}

TEST_CASE_FIXTURE(SampleFolder, "what cannot be read is refused with its reason") {
  if (!write("a.mrc", mrc("4", "u2"))) return;
  CHECK(refusal("a.mrc") ==
        place("a.mrc") +
            ": its voxels are of MRC mode 4; modes 0, 1, 2 and 6 (8- and 16-bit integers, 32-bit floats) "
            "are read: convert it first");
  REQUIRE(write("a.mrc", mrc("6", "u2", "<", "put(64, '3i', 3, 2, 1)")));
  CHECK(has(refusal("a.mrc"), "its columns, rows and sections are axes 3, 2, 1 (1 is x)"));
  REQUIRE(write("a.mrc", mrc("6", "u2", "<", "put(88, 'i', 401)")));
  CHECK(has(refusal("a.mrc"), "it is a stack of volumes (space group 401); save each volume"));
  REQUIRE(write("a.mrc", mrc("6", "u2", "<", "put(8, 'i', -4)")));
  CHECK(has(refusal("a.mrc"), "its header says -4 x 5 x 6 voxels (z, y, x); it is damaged"));
  REQUIRE(write("a.mrc", mrc("6", "u2", "<", "voxels = voxels[:-1]")));
  CHECK(refusal("a.mrc") ==
        place("a.mrc") + ": it has 1263 bytes, but its header says 1264; copy the file again from its source");
}
