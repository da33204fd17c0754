// Axes and calibration of plain, ImageJ and OME-TIFF files: which page is which plane, and what the file says.
#include "pipeline/interop/tiff_image.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>

#include "pipeline/core/error.hpp"
#include "tests/interop/ome_samples.hpp"
#include "tests/interop/tiff_samples.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace {
/// The number of the page (see numbered_page) on which a plane lies.
int page_of(TiffImage& image, int t, int c, Index z) {
  std::vector<std::uint16_t> voxels(static_cast<std::size_t>(image.facts().shape[kY] * image.facts().shape[kX]));
  image.read_plane(t, c, z, voxels.data());
  return voxels.front() / 1000;
}

std::string refusal(const std::filesystem::path& file, std::optional<int> series = std::nullopt) {
  return message_of<UserError>([&] { TiffImage image(file, {.series = series}); });
}

ImageFacts imagej_facts(const std::filesystem::path& file, const std::string& lines, std::optional<double> x,
                        std::optional<double> y, int pages = 2) {
  TiffStyle style;
  style.description = "ImageJ=1.53t\n" + lines;
  style.x_resolution = x;
  style.y_resolution = y;
  write_sample(file, numbered_pages<std::uint16_t>(pages, 2, 2), style);
  return TiffImage(file).facts();
}
}  // namespace

TEST_CASE("the pages of a plain TIFF are z, or timepoints where that is said; nothing is known of its spacing") {
  const TestFolder folder;
  TiffStyle style;
  style.x_resolution = style.y_resolution = 72;
  write_sample(folder / "a.tif", numbered_pages<std::uint16_t>(4, 3, 5), style);
  TiffImage stack(folder / "a.tif"), series(folder / "a.tif", {.pages = PageAxis::t});
  CHECK(stack.facts().shape == Index3{4, 3, 5});
  CHECK(stack.facts().timepoints == 1);
  CHECK(series.facts().shape == Index3{1, 3, 5});
  CHECK(series.facts().timepoints == 4);
  CHECK(page_of(stack, 0, 0, 3) == 3);
  CHECK(page_of(series, 2, 0, 0) == 2);
  for (const std::size_t axis : {kZ, kY, kX}) CHECK_FALSE(stack.facts().spacing_um[axis].has_value());
}

TEST_CASE("an ImageJ hyperstack runs channel first, then z, then time") {
  const TestFolder folder;
  TiffStyle style;
  style.description = "ImageJ=1.53t\nimages=24\nchannels=2\nslices=3\nframes=4\nhyperstack=true\nfinterval=12.5\n";
  write_sample(folder / "a.tif", numbered_pages<std::uint16_t>(24, 2, 3), style);
  TiffImage image(folder / "a.tif");
  CHECK(image.facts().shape == Index3{3, 2, 3});
  CHECK(image.facts().channels.size() == 2);
  CHECK(image.facts().timepoints == 4);
  CHECK(image.facts().time_step_s == 12.5);
  for (int t = 0; t < 4; ++t)
    for (int z = 0; z < 3; ++z)
      for (int c = 0; c < 2; ++c) CHECK(page_of(image, t, c, z) == c + 2 * (z + 3 * t));
}

TEST_CASE("an OME-TIFF runs in its dimension order, whichever of the six it is") {
  const TestFolder folder;
  for (const std::string order : {"XYZCT", "XYZTC", "XYCZT", "XYCTZ", "XYTZC", "XYTCZ"}) {
    CAPTURE(order);
    OmeSample ome;
    ome.order = order;
    ome.shape = {4, 2, 3, 2, 3};
    TiffStyle style;
    for (const std::string pages : {"", "<TiffData/>", "<TiffData IFD='0' PlaneCount='24'/>"}) {
      style.description = ome.xml(pages);
      write_sample(folder / "a.ome.tif", numbered_pages<std::uint16_t>(24, 2, 3), style);
      TiffImage image(folder / "a.ome.tif");
      REQUIRE(image.facts().shape == Index3{3, 2, 3});
      for (int t = 0; t < 4; ++t)
        for (int z = 0; z < 3; ++z)
          for (int c = 0; c < 2; ++c) {
            const std::map<char, std::pair<int, int>> at{{'Z', {z, 3}}, {'C', {c, 2}}, {'T', {t, 4}}};
            const auto [fast, n_fast] = at.at(order[2]);
            const auto [middle, n_middle] = at.at(order[3]);
            CHECK(page_of(image, t, c, z) == fast + n_fast * (middle + n_middle * at.at(order[4]).first));
          }
    }
  }
}

TEST_CASE("TiffData may name every plane's page, in any order") {
  const TestFolder folder;
  OmeSample ome;
  ome.shape = {1, 2, 2, 2, 3};
  TiffStyle style;
  style.description = ome.xml(
      "<TiffData FirstZ='1' FirstC='1' IFD='0'/><TiffData FirstZ='0' FirstC='1' IFD='1'/>"
      "<TiffData FirstZ='0' FirstC='0' IFD='2' PlaneCount='2'/>");
  write_sample(folder / "a.tif", numbered_pages<std::uint16_t>(4, 2, 3), style);
  TiffImage image(folder / "a.tif");
  CHECK(page_of(image, 0, 1, 1) == 0);
  CHECK(page_of(image, 0, 1, 0) == 1);
  CHECK(page_of(image, 0, 0, 0) == 2);
  CHECK(page_of(image, 0, 0, 1) == 3);
}

TEST_CASE("ImageJ's spacing is read in every unit and spelling; y and z may have their own unit") {
  const TestFolder folder;
  const auto file = folder / "a.tif";
  const auto check = [](const ImageFacts& f, double z, double y, double x) {
    REQUIRE(f.spacing_um[kX].has_value());
    CHECK(f.spacing_um == std::array<std::optional<double>, 3>{z, y, x});
  };
  for (const std::string unit : {"micron", "um", "microns", "\\u00B5m", "\xC2\xB5m", "\xCE\xBCm", "\xB5m"}) {
    CAPTURE(unit);
    check(imagej_facts(file, "images=2\nslices=2\nunit=" + unit + "\nspacing=0.5\n", 5, 4), 0.5, 0.25, 0.2);
  }
  check(imagej_facts(file, "images=2\nunit=nm\nspacing=350\n", 0.01, 0.01), 0.35, 0.1, 0.1);
  check(imagej_facts(file, "images=2\nunit=mm\nspacing=0.002\n", 1000, 1000), 2, 1, 1);
  check(imagej_facts(file, "images=2\nunit=cm\nspacing=0.0001\n", 10000, 10000), 1, 1, 1);
  check(imagej_facts(file, "images=2\nunit=inch\nspacing=0.0001\n", 25400, 25400), 2.54, 1, 1);
  check(imagej_facts(file, "images=2\nunit=um\nyunit=nm\nzunit=nm\nspacing=-900\n", 10, 0.005), 0.9, 0.2, 0.1);
  // 0.13 um is 7.6923... voxels a micrometre, which no rational tag and no float holds exactly.
  check(imagej_facts(file, "images=2\nunit=um\nspacing=0.5002025531914894\n", 1 / 0.13, 1 / 0.0621), 0.5002025531914894,
        0.0621, 0.13);
}

TEST_CASE("what ImageJ does not say stays unknown, with a note why") {
  const TestFolder folder;
  const auto file = folder / "a.tif";
  const auto unknown = [](const ImageFacts& f, std::size_t axis) { return !f.spacing_um[axis].has_value(); };
  for (const std::string unit : {"pixel", " ", "inches of rain"}) {
    const ImageFacts f = imagej_facts(file, "images=2\nunit=" + unit + "\nspacing=0.5\n", 5, 5);
    CHECK((unknown(f, kZ) && unknown(f, kY) && unknown(f, kX)));
  }
  CHECK(imagej_facts(file, "images=2\nunit=pixel\n", 1, 1).calibration_note ==
        "its unit is 'pixel', which is no length");
  CHECK(imagej_facts(file, "images=2\n", 5, 5).calibration_note == "ImageJ saved it without a unit");
  const ImageFacts no_z = imagej_facts(file, "images=2\nunit=um\n", 5, 5);
  CHECK((unknown(no_z, kZ) && no_z.spacing_um[kX] == 0.2));
  CHECK(no_z.calibration_note == "ImageJ leaves a slice spacing of 1 out");
  CHECK(unknown(imagej_facts(file, "images=2\nunit=um\n", std::nullopt, 5), kX));
}

TEST_CASE("OME-XML gives spacing, time step, channels and annotations, each in its own unit") {
  const TestFolder folder;
  OmeSample ome;
  ome.shape = {2, 2, 1, 2, 3};
  ome.pixels =
      "PhysicalSizeX='130' PhysicalSizeXUnit='nm' PhysicalSizeY='0.00013' PhysicalSizeYUnit='mm' PhysicalSizeZ='0.5' "
      "TimeIncrement='2' TimeIncrementUnit='min'";
  ome.channels =
      "<Channel Name='DAPI' EmissionWavelength='0.461' EmissionWavelengthUnit='um' ExcitationWavelength='405'/>"
      "<Channel Name='LaminB1' EmissionWavelength='525'/>";
  ome.image =
      "<AcquisitionDate>2018-07-05T17:52:18</AcquisitionDate><InstrumentRef ID='Instrument:0'/>"
      "<ObjectiveSettings ID='Objective:1' RefractiveIndex='1.518'/>";
  ome.instrument =
      "<Instrument ID='Instrument:0'><Microscope Model='LSM 880'/><Objective ID='Objective:0' LensNA='0.8'/>"
      "<Objective ID='Objective:1' LensNA='1.4' NominalMagnification='63' Immersion='Oil'/></Instrument>";
  TiffStyle style;
  style.description = ome.xml("<TiffData/>");
  write_sample(folder / "a.tif", numbered_pages<std::uint16_t>(4, 2, 3), style);
  const ImageFacts f = TiffImage(folder / "a.tif").facts();
  CHECK(f.spacing_um == std::array<std::optional<double>, 3>{0.5, 0.13, 0.13});
  CHECK(f.time_step_s == 120);
  REQUIRE(f.channels.size() == 2);
  CHECK(f.channels[0] == record::Channel{"DAPI", 461, 405});
  CHECK(f.channels[1] == record::Channel{"LaminB1", 525, std::nullopt});
  using Type = record::AnnotationType;
  CHECK(f.annotations ==
        std::vector<record::Annotation>{{{"acquired", Type::date, ""}, std::string("2018-07-05T17:52:18")},
                                        {{"instrument", Type::text, ""}, std::string("LSM 880")},
                                        {{"numerical_aperture", Type::number, ""}, 1.4},
                                        {{"magnification", Type::number, ""}, 63.0},
                                        {{"immersion", Type::text, ""}, std::string("Oil")},
                                        {{"refractive_index", Type::number, ""}, 1.518}});
  CHECK(f.description == style.description);
}

TEST_CASE("without a time increment the planes' own moments give the time step, where every timepoint has one") {
  const TestFolder folder;
  OmeSample ome;
  ome.shape = {3, 1, 2, 2, 3};
  const auto step = [&](const std::string& planes) {
    TiffStyle style;
    style.description = ome.xml("<TiffData/>" + planes);
    write_sample(folder / "a.tif", numbered_pages<std::uint16_t>(6, 2, 3), style);
    return TiffImage(folder / "a.tif").facts().time_step_s;
  };
  const std::string two =
      "<Plane TheZ='1' TheT='0' DeltaT='9'/><Plane TheZ='0' TheT='0' DeltaT='1'/>"
      "<Plane TheZ='0' TheT='1' DeltaT='60500' DeltaTUnit='ms'/>";
  CHECK(step(two + "<Plane TheZ='0' TheT='2' DeltaT='121'/>") == 60);
  CHECK_FALSE(step(two).has_value());
  CHECK_FALSE(step("").has_value());
}

TEST_CASE("placeholders in OME-XML are not taken for values") {
  const TestFolder folder;
  OmeSample ome;
  ome.shape = {1, 1, 1, 2, 3};
  ome.pixels = "PhysicalSizeX='1' PhysicalSizeXUnit='pixel' PhysicalSizeY='0'";
  ome.image = "<ObjectiveSettings ID='Objective:0'/>";
  ome.instrument =
      "<Instrument ID='Instrument:0'><Objective ID='Objective:0' Immersion='Other' "
      "NominalMagnification='0.0'/></Instrument>";
  TiffStyle style;
  style.description = ome.xml("");
  write_sample(folder / "a.tif", numbered_pages<std::uint16_t>(1, 2, 3), style);
  const ImageFacts f = TiffImage(folder / "a.tif").facts();
  for (const std::size_t axis : {kZ, kY, kX}) CHECK_FALSE(f.spacing_um[axis].has_value());
  CHECK(f.annotations.empty());
}

TEST_CASE("of several series one has to be chosen") {
  const TestFolder folder;
  OmeSample ome;
  ome.shape = {1, 1, 2, 2, 3};
  ome.name = "left";
  std::string xml = ome.xml("<TiffData IFD='0' PlaneCount='2'/>");
  OmeSample second = ome;
  second.name = "right";
  xml.insert(xml.find("</OME>"), second.image_element("<TiffData IFD='2' PlaneCount='2'/>"));
  TiffStyle style;
  style.description = xml;
  const auto file = folder / "a.tif";
  write_sample(file, numbered_pages<std::uint16_t>(4, 2, 3), style);
  TiffImage right(file, {.series = 1});
  CHECK(page_of(right, 0, 0, 0) == 2);
  CHECK(refusal(file) ==
        "'" + file.string() +
            "': it holds 2 images; choose one with --series N, or take --series all:\n  0: 'left'\n  1: 'right'");
  CHECK(has(refusal(file, 2), "it has no series 2; it holds:\n  0: 'left'"));
  CHECK(has(refusal(file, -1), "it has no series -1"));
  write_sample(folder / "plain.tif", numbered_pages<std::uint16_t>(1, 2, 3));
  CHECK(has(refusal(folder / "plain.tif", 1), "it has no series 1; it holds one image, series 0"));
  CHECK(refusal(folder / "plain.tif", 0).empty());
}

TEST_CASE("an OME-TIFF of several files is read from all of them, and refused when one is not there") {
  const TestFolder folder;
  OmeSample ome;
  ome.shape = {2, 1, 2, 2, 3};
  ome.uuid = "urn:uuid:1";
  TiffStyle style;
  style.description = ome.xml(
      "<TiffData FirstT='0' PlaneCount='2' IFD='0'><UUID FileName='was-called-so.tif'>urn:uuid:1</UUID></TiffData>"
      "<TiffData FirstT='1' PlaneCount='2' IFD='1'><UUID FileName='b.tif'>urn:uuid:2</UUID></TiffData>");
  write_sample(folder / "a.tif", numbered_pages<std::uint16_t>(2, 2, 3), style);
  CHECK(has(refusal(folder / "a.tif"), "its OME-XML places planes in 'b.tif', which is not beside it; put all files"));
  write_sample(folder / "b.tif", numbered_pages<std::uint16_t>(7, 2, 3));
  TiffImage image(folder / "a.tif");
  CHECK(page_of(image, 1, 0, 1) == 2);
  CHECK(page_of(image, 0, 0, 1) == 1);
  CHECK(image.files() == std::vector<std::filesystem::path>{folder / "a.tif", folder / "b.tif"});
}

TEST_CASE("descriptions that do not fit their pages are refused") {
  const TestFolder folder;
  const auto file = folder / "a.tif";
  const auto with = [&](const std::string& description, int pages = 3) {
    TiffStyle style;
    style.description = description;
    write_sample(file, numbered_pages<std::uint16_t>(pages, 2, 3), style);
    return refusal(file);
  };
  CHECK(has(with("ImageJ=1.53t\nimages=5\n"), "its ImageJ description says 5 images, but it has 3 pages"));
  CHECK(has(with("ImageJ=1.53t\nimages=5\n", 1), "as ImageJ writes files of more than 4 GB; save it as OME-TIFF"));
  CHECK(has(with("ImageJ=1.53t\nimages=3\nchannels=2\nslices=2\n"),
            "says 3 images, but 2 channels, 2 slices and 1 frames"));
  CHECK(has(with("ImageJ=1.53t\nimages=many\n"), "its ImageJ description says images=many, which is no count"));
  OmeSample ome;
  ome.shape = {1, 1, 4, 2, 3};
  CHECK(has(with(ome.xml("")), "its OME-XML names no page for z 3, c 0, t 0; the image is not complete"));
  CHECK(has(with(ome.xml("<TiffData IFD='0' PlaneCount='4'/>")), "its OME-XML needs page 4 of 'a.tif', which has 3"));
  ome.shape = {1, 1, 3, 2, 3};
  CHECK(has(with(ome.xml("<TiffData FirstC='1'/>")), "places a page at z 0, c 1, t 0, outside of the image"));
  CHECK(has(with(ome.xml("") + "<"), "its OME-XML is damaged at character"));
  CHECK(has(with("<OME><BinaryOnly MetadataFile='meta.ome.tif'/></OME>"),
            "it is described by 'meta.ome.tif'; import that"));
  CHECK(has(with("<OME></OME>"), "its OME-XML describes no image"));
  CHECK(has(with("<OME><Image/></OME>"), "its OME-XML has an Image without Pixels"));
  ome.order = "XYZZT";
  CHECK(has(with(ome.xml("")), "DimensionOrder='XYZZT'; it is XY and then Z, C and T in some order"));
  ome.order = "XYZCT";
  ome.type = "int16";
  CHECK(
      has(with(ome.xml("")), "its OME-XML says voxels of type 'int16', but page 1 has 2 x 3 voxels (y, x) of uint16"));
  ome.type = "uint16";
  ome.shape = {1, 1, 3, 2, 4};
  CHECK(has(with(ome.xml("")), "its OME-XML says 2 x 4 voxels (y, x), but page 1 has 2 x 3 voxels"));
  ome.shape = {1, 1, 0, 2, 3};
  CHECK(has(with(ome.xml("")), "its OME-XML gives no SizeZ"));
  ome.shape = {100'000, 1000, 3, 2, 3};
  CHECK(has(with(ome.xml("")), "planes (t, c, z); read are at most"));
  ome.shape = {1, 1, 3, 2, 3};
  ome.pixels = "BigEndian='false' SizeX='many'";
  CHECK(has(with(ome.xml("<TiffData IFD='first'/>")), "its OME-XML says"));
}

TEST_CASE("pages of different size or type are refused with the page's number") {
  const TestFolder folder;
  const auto file = folder / "a.tif";
  auto pages = numbered_pages<std::uint16_t>(3, 4, 5);
  pages[2] = numbered_page<std::uint16_t>(2, 4, 6);
  write_sample(file, pages);
  CHECK(refusal(file) ==
        "'" + file.string() +
            "', page 3: it has 4 x 6 voxels (y, x) of uint16, but page 1 has 4 x 5 voxels (y, x) of uint16; "
            "all pages of an image must be alike");
  {
    const auto tiff = open_sample(file, {});
    append_page(tiff.get(), numbered_page<std::uint16_t>(0, 4, 5), {}, true);
    append_page(tiff.get(), numbered_page<std::uint8_t>(0, 4, 5), {}, false);
  }
  CHECK(
      has(refusal(file), "page 2: it has 4 x 5 voxels (y, x) of uint8, but page 1 has 4 x 5 voxels (y, x) of uint16"));
}

TEST_CASE("an ImageJ file may say that 0 is white: its voxels are meant as they stand") {
  const TestFolder folder;
  TiffStyle style;
  style.photometric = PHOTOMETRIC_MINISWHITE;
  style.description = "ImageJ=1.53t\n";
  write_sample<std::uint8_t>(folder / "a.tif", {{1, 2, {3, 4}}}, style);
  TiffImage image(folder / "a.tif");
  std::vector<std::uint8_t> voxels(2);
  image.read_plane(0, 0, 0, voxels.data());
  CHECK(voxels == std::vector<std::uint8_t>{3, 4});
}
