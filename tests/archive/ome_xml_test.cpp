// OME-XML: valid against the schema whatever names and notes hold, and says what the image is.
#include "pipeline/archive/ome_xml.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include <fmt/format.h>

#include "pipeline/core/files.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::test;
using archive::format_ome_xml;
using archive::OmeImageText;
using archive::OmeVoxels;

namespace {
/// What xmllint says against the schema; VOXFLOW_OME_XSD names the published one where it is at hand.
void check_valid(const std::string& xml) {
  static const bool there = run_program("xmllint", {"--version"}).exit_code == 0;
  if (!there) {
    MESSAGE("skipped: xmllint (libxml2-utils) is not installed");
    return;
  }
  const TestFolder folder;
  write_file_atomically(folder / "ome.xml", xml);
  const char* published = std::getenv("VOXFLOW_OME_XSD");
  const auto schema = published != nullptr ? std::filesystem::path(published)
                                           : project_folder() / "tests/archive/ome_2016_06_subset.xsd";
  const Outcome outcome =
      run_program("xmllint", {"--noout", "--nonet", "--schema", schema.string(), (folder / "ome.xml").string()});
  INFO(xml);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
}

OmeImageText image(DType dtype) {
  OmeImageText text;
  text.info = image_of(dtype, {20, 70, 150}, 3, 2);
  return text;
}
}  // namespace

TEST_CASE_TEMPLATE("the text inside data.h5 is valid for every voxel type", T, std::uint8_t, std::uint16_t,
                   std::uint32_t, float) {
  const std::string xml = format_ome_xml(image(dtype_of<T>()));
  check_valid(xml);
  has(xml, "SizeX=\"150\" SizeY=\"70\" SizeC=\"2\" SizeZ=\"20\" SizeT=\"3\"");
  has(xml, "PhysicalSizeX=\"0.2\" PhysicalSizeXUnit=\"&#181;m\"");
  has(xml, "<MetadataOnly/>");
}

TEST_CASE("the text of an OME-TIFF is valid, with names, wavelengths, time step and notes of any characters") {
  OmeImageText text = image(DType::float32);
  text.name = "a < b & \"c\" \xc3\xa9\x01 \xff";
  text.info.time_step_s = 12.5;
  text.info.channels = {{"", 460.0, 405.0}, {"GFP \xf0\x9d\x9b\xbc", std::nullopt, std::nullopt}};
  text.notes = {{"", ""}, {"key <\x02>", "two\nlines & more"}};
  text.voxels = OmeVoxels::tiff;
  const std::string xml = format_ome_xml(text);
  check_valid(xml);
  has(xml, "Name=\"a &lt; b &amp; &quot;c&quot; &#233;  &#65533;\"");
  has(xml, "Name=\"GFP &#120572;\"");
  has(xml, "<TiffData IFD=\"0\" PlaneCount=\"120\"/>");
  has(xml, "TimeIncrement=\"12.5\" TimeIncrementUnit=\"s\"");
}

TEST_CASE("what the schema does not allow is found, so that the checks above can fail") {
  if (run_program("xmllint", {"--version"}).exit_code != 0) return;
  const TestFolder folder;
  std::string xml = format_ome_xml(image(DType::uint8));
  xml.replace(xml.find("SizeX=\"150\""), 11, "SizeX=\"0\"");
  write_file_atomically(folder / "ome.xml", xml);
  const Outcome outcome = run_program(
      "xmllint", {"--noout", "--nonet", "--schema",
                  (project_folder() / "tests/archive/ome_2016_06_subset.xsd").string(), (folder / "ome.xml").string()});
  CHECK(outcome.exit_code != 0);
  has(outcome.err, "SizeX");
}
