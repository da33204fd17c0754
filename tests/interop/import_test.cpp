// Import: files become one acquisition of the archive, the same content becomes one artifact.
#include "pipeline/interop/import.hpp"

#include <doctest/doctest.h>

#include "pipeline/archive/image_file.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/interop/tiff_image.hpp"
#include "pipeline/interop/tiff_writer.hpp"
#include "tests/interop/ome_samples.hpp"
#include "tests/interop/tiff_samples.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace fs = std::filesystem;

namespace {
struct Fixture {
  TestFolder folder;
  archive::Archive archive = archive::Archive::create(folder / "archive");

  Imported import(const ImportRequest& request) const { return import_image(request, archive); }
  std::string refusal(const ImportRequest& request) const {
    return message_of<UserError>([&] { import(request); });
  }
  record::Manifest manifest(const Imported& imported) const { return *archive.manifest(imported.artifact); }
  std::size_t artifacts() const {
    std::size_t n = 0;
    for (const auto& entry : fs::recursive_directory_iterator(archive.root()))
      n += entry.path().filename() == record::kManifestName ? 1 : 0;
    return n;
  }
  /// Files and folders under the project, published or not.
  std::size_t entries() const {
    const fs::path project = archive.root() / "cells";
    if (!fs::exists(project)) return 0;
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : fs::recursive_directory_iterator(project))
      n += entry.is_regular_file() ? 1 : 0;
    return n;
  }
};

ImportRequest request_for(std::vector<fs::path> files, Files how = Files::one_image) {
  ImportRequest request;
  request.project = "cells";
  request.agent = "ada";
  request.files = std::move(files);
  request.how = how;
  return request;
}

constexpr Spacing3 kSpacing{{{0.5}, {0.2}, {0.2}}};

/// A stack of `planes` pages with a pattern that depends on `seed`, ImageJ-calibrated at 0.5, 0.2, 0.2 um.
std::vector<std::uint16_t> write_stack(const fs::path& file, const Index3& shape, int seed,
                                       const Spacing3& spacing = kSpacing) {
  TiffStack stack;
  stack.shape = shape;
  stack.spacing = spacing;
  std::vector<std::uint16_t> voxels(static_cast<std::size_t>(count(shape)));
  for (std::size_t i = 0; i < voxels.size(); ++i)
    voxels[i] = static_cast<std::uint16_t>((i * 2654435761U + static_cast<std::size_t>(seed) * 40503U) >> 7);
  TiffWriter writer(file, stack);
  const auto plane = static_cast<std::size_t>(shape[kY] * shape[kX]);
  for (std::size_t at = 0; at < voxels.size(); at += plane) writer.write_plane(voxels.data() + at);
  writer.finish();
  return voxels;
}

/// The same stack, compressed by that method.
void compress(const fs::path& from, const fs::path& to, int method) {
  TiffImage image(from);
  const Index3 shape = image.facts().shape;
  TiffStyle style;
  style.description = image.facts().description;
  style.compression = method;
  style.x_resolution = 1 / *image.facts().spacing_um[kX];
  style.y_resolution = 1 / *image.facts().spacing_um[kY];
  std::vector<Page<std::uint16_t>> pages;
  for (Index z = 0; z < shape[kZ]; ++z) {
    auto& page = pages.emplace_back();
    page.height = static_cast<std::uint32_t>(shape[kY]);
    page.width = static_cast<std::uint32_t>(shape[kX]);
    page.voxels.resize(static_cast<std::size_t>(shape[kY] * shape[kX]));
    image.read_plane(0, 0, z, page.voxels.data());
  }
  write_sample(to, pages, style);
}

template <class T>
std::vector<T> volume(const Fixture& f, const Imported& imported, int t, int c) {
  const archive::ImageReader reader(f.archive.root() / imported.artifact / "data.h5");
  const Grid& grid = reader.info().grid;
  std::vector<T> voxels(static_cast<std::size_t>(count(grid.shape)));
  reader.read<T>(t, c, grid.box(), VolumeView<T>(voxels.data(), grid.shape));
  return voxels;
}
}  // namespace

TEST_CASE_FIXTURE(Fixture, "an imported image holds the file's voxels, calibration and provenance") {
  // Larger than a chunk on every axis, and a multiple of it on none.
  const auto voxels = write_stack(folder / "cell_7.tif", {35, 130, 141}, 1);
  auto request = request_for({folder / "cell_7.tif"});
  request.annotations = {{{"species", record::AnnotationType::text, ""}, std::string("G12")}};
  const Imported imported = import(request);
  CHECK(imported.name == "cell_7");
  CHECK_FALSE(imported.already_there);
  CHECK(imported.artifact ==
        "cells/acquisitions/" + imported.content.hex().substr(0, 2) + "/" + imported.content.hex());
  CHECK(imported.info.grid == Grid{{35, 130, 141}, kSpacing});
  CHECK(imported.info.dtype == DType::uint16);
  CHECK(volume<std::uint16_t>(*this, imported, 0, 0) == voxels);
  CHECK(archive::verify_image(archive.root() / imported.artifact / "data.h5").empty());

  const record::Manifest m = manifest(imported);
  CHECK(m.kind == "acquisition");
  CHECK(m.name == "cell_7");
  CHECK(m.agent == "ada");
  REQUIRE(m.output("image") != nullptr);
  CHECK(m.output("image")->content_digest == imported.content);
  CHECK(m.output("image")->image == imported.info);
  CHECK(m.annotations == request.annotations);
  REQUIRE(m.origin.has_value());
  CHECK(m.origin->importer == "imagej-tiff");
  CHECK(m.origin->importer_version.starts_with("libtiff "));
  CHECK(m.origin->files == std::vector<std::string>{(folder / "cell_7.tif").string()});
  CHECK(m.origin->file_digests == std::vector<Digest>{sha256_file(folder / "cell_7.tif")});
  CHECK(m.origin->overrides.empty());
}

TEST_CASE_FIXTURE(Fixture, "the same content under another name and compression is one artifact with one digest") {
  write_stack(folder / "a.tif", {3, 20, 30}, 1);
  compress(folder / "a.tif", folder / "b.tif", COMPRESSION_LZW);
  compress(folder / "a.tif", folder / "c.tif", COMPRESSION_ADOBE_DEFLATE);
  write_stack(folder / "d.tif", {3, 20, 30}, 2);
  const Imported first = import(request_for({folder / "a.tif"}));
  for (const char* name : {"a.tif", "b.tif", "c.tif"}) {
    const Imported again = import(request_for({folder / name}));
    CHECK(again.already_there);
    CHECK(again.content == first.content);
    CHECK(again.artifact == first.artifact);
    CHECK(again.name == "a");
  }
  CHECK(artifacts() == 1);
  CHECK(import(request_for({folder / "d.tif"})).content != first.content);
  CHECK(artifacts() == 2);
}

TEST_CASE_FIXTURE(Fixture, "two files become the channels of one image, in the given order") {
  const auto dapi = write_stack(folder / "cell_3_DAPI.tif", {4, 20, 30}, 1);
  const auto lamin = write_stack(folder / "cell_3_LaminB1.tif", {4, 20, 30}, 2);
  auto request = request_for({folder / "cell_3_LaminB1.tif", folder / "cell_3_DAPI.tif"}, Files::channels);
  const Imported imported = import(request);
  CHECK(imported.name == "cell_3");
  REQUIRE(imported.info.channel_count() == 2);
  CHECK(imported.info.channels[0].name == "LaminB1");
  CHECK(imported.info.channels[1].name == "DAPI");
  CHECK(volume<std::uint16_t>(*this, imported, 0, 0) == lamin);
  CHECK(volume<std::uint16_t>(*this, imported, 0, 1) == dapi);
  CHECK(manifest(imported).origin->files.size() == 2);

  request.channel_names = {"rim", "chromatin"};
  request.name = "mine";
  request.project = "other";
  const Imported named = import(request);
  CHECK(named.name == "mine");
  CHECK(named.info.channels[1].name == "chromatin");
  CHECK(named.content == imported.content);
}

TEST_CASE_FIXTURE(Fixture, "a grid of files stands along t, c and z at once") {
  ImportRequest request = request_for({}, Files::grid);
  request.grid = {2, 2, 3};
  std::vector<std::vector<std::uint16_t>> parts;
  for (int i = 0; i < 12; ++i) {
    request.files.push_back(folder / ("part_" + std::to_string(i) + ".tif"));
    parts.push_back(write_stack(request.files.back(), {20, 6, 7}, i));
  }
  const Imported imported = import(request);
  CHECK(imported.info.timepoints == 2);
  CHECK(imported.info.channel_count() == 2);
  CHECK(imported.info.grid.shape == Index3{60, 6, 7});
  for (std::size_t t = 0; t < 2; ++t)
    for (std::size_t c = 0; c < 2; ++c) {
      std::vector<std::uint16_t> wanted;
      for (std::size_t z = 0; z < 3; ++z) {
        const auto& part = parts[(t * 2 + c) * 3 + z];
        wanted.insert(wanted.end(), part.begin(), part.end());
      }
      CHECK(volume<std::uint16_t>(*this, imported, static_cast<int>(t), static_cast<int>(c)) == wanted);
    }
}

TEST_CASE_FIXTURE(Fixture, "what is given of a calibration stands for the file's, axis by axis, and is recorded") {
  write_stack(folder / "a.tif", {3, 20, 30}, 1);
  write_stack(folder / "b.tif", {3, 20, 30}, 2);
  auto request = request_for({folder / "a.tif", folder / "b.tif"}, Files::timepoints);
  request.spacing.emplace();
  request.spacing->um[kZ] = 2;
  request.time_step_s = 30;
  request.wavelengths = {{461, {}}};
  const Imported imported = import(request);
  CHECK(imported.info.grid.spacing[kZ].value == 2);
  CHECK(imported.info.grid.spacing[kX].value == doctest::Approx(0.2));
  CHECK(imported.info.time_step_s == 30);
  CHECK(imported.info.channels[0].emission_nm == 461);
  CHECK(manifest(imported).origin->overrides ==
        R"({"spacing_um":{"file":[0.5,0.2,0.2],"given":[2,0.2,0.2]},"time_step_s":{"file":null,"given":30}})");
  request.wavelengths.resize(2);
  CHECK(has(refusal(request), "the wavelengths of 2 channels were given, but the image has 1 channels"));
}

TEST_CASE_FIXTURE(Fixture, "several files become the timepoints of one image, in the given order") {
  std::vector<fs::path> files;
  std::vector<std::vector<std::uint16_t>> voxels;
  for (int t = 0; t < 3; ++t) {
    files.push_back(folder / fmt::format("volume-T{}.tif", t));
    voxels.push_back(write_stack(files.back(), {4, 20, 30}, t));
  }
  const Imported imported = import(request_for(files, Files::timepoints));
  CHECK(imported.info.timepoints == 3);
  CHECK(imported.name == "volume");
  for (int t = 0; t < 3; ++t)
    CHECK(volume<std::uint16_t>(*this, imported, t, 0) == voxels[static_cast<std::size_t>(t)]);
  std::swap(files[0], files[2]);
  CHECK(import(request_for(files, Files::timepoints)).content != imported.content);
}

TEST_CASE_FIXTURE(Fixture, "hyperstacks join along the axis that the files stand for") {
  TiffStyle style;
  style.description = "ImageJ=1.53t\nimages=6\nchannels=2\nslices=1\nframes=3\nunit=um\n";
  style.x_resolution = style.y_resolution = 5;
  for (const char* name : {"a.tif", "b.tif"})
    write_sample(folder / name, numbered_pages<std::uint16_t>(6, 2, 2), style);
  const Imported channels = import(request_for({folder / "a.tif", folder / "b.tif"}, Files::channels));
  CHECK(channels.info.channel_count() == 4);
  CHECK(channels.info.timepoints == 3);
  CHECK(volume<std::uint16_t>(*this, channels, 2, 3).front() == 5000);
  const Imported timepoints = import(request_for({folder / "a.tif", folder / "b.tif"}, Files::timepoints));
  CHECK(timepoints.info.channel_count() == 2);
  CHECK(timepoints.info.timepoints == 6);
  CHECK(volume<std::uint16_t>(*this, timepoints, 5, 0).front() == 4000);
}

TEST_CASE_FIXTURE(Fixture, "files that do not fit together are refused with both names") {
  write_stack(folder / "a.tif", {4, 20, 30}, 1);
  write_stack(folder / "b.tif", {4, 20, 31}, 1);
  write_stack(folder / "c.tif", {4, 20, 30}, 1, {{{0.5}, {0.2}, {0.3}}});
  const std::string sizes = refusal(request_for({folder / "a.tif", folder / "b.tif"}, Files::channels));
  CHECK(has(sizes, "the files do not fit together: '" + (folder / "a.tif").string() +
                       "' has 4 x 20 x 30 voxels (z, y, x) of uint16, 1 channels, 1 timepoints, '" +
                       (folder / "b.tif").string() + "' has 4 x 20 x 31 voxels"));
  const std::string spacing = refusal(request_for({folder / "a.tif", folder / "c.tif"}, Files::timepoints));
  CHECK(has(spacing, "the files differ in spacing: '" + (folder / "a.tif").string() +
                         "' says 0.5, 0.2, 0.2 um (z, y, x), '" + (folder / "c.tif").string() +
                         "' says 0.5, 0.2, 0.3 um"));
  CHECK(has(spacing, "--spacing z,y,x"));
  CHECK(has(refusal(request_for({folder / "a.tif", folder / "b.tif"})),
            "2 files were given for one image; say whether they are its channels or its timepoints"));
  CHECK(refusal(request_for({})) == "no file was given to import");
  CHECK(entries() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a spacing that is not known is refused, unless given; what was given is recorded") {
  write_sample(folder / "plain.tif", numbered_pages<std::uint16_t>(3, 2, 2));
  auto request = request_for({folder / "plain.tif"});
  CHECK(refusal(request) ==
        "'" + (folder / "plain.tif").string() +
            "' does not say its spacing along z, y, x (it is neither an OME-TIFF nor an ImageJ TIFF, which "
            "would say it); it says unknown, unknown, unknown um (z, y, x). Give it with --spacing z,y,x "
            "in um, for example --spacing 0.5,0.2,0.2");
  CHECK(entries() == 0);
  request.spacing = kSpacing;
  const Imported plain = import(request);
  CHECK(plain.info.grid.spacing == kSpacing);
  CHECK(manifest(plain).origin->overrides == R"({"spacing_um":{"file":[null,null,null],"given":[0.5,0.2,0.2]}})");

  TiffStyle style;
  style.description = "ImageJ=1.53t\nimages=3\nslices=3\nunit=micron\n";
  style.x_resolution = style.y_resolution = 5;
  write_sample(folder / "no_z.tif", numbered_pages<std::uint16_t>(3, 2, 2), style);
  CHECK(has(refusal(request_for({folder / "no_z.tif"})),
            "does not say its spacing along z (ImageJ leaves a slice spacing of 1 out); it says unknown, 0.2, 0.2 um"));
}

TEST_CASE_FIXTURE(Fixture,
                  "a given spacing goes before the file's, old and new are recorded; the same one is no override") {
  write_stack(folder / "a.tif", {4, 20, 30}, 1);
  auto request = request_for({folder / "a.tif"});
  request.spacing = kSpacing;
  CHECK(manifest(import(request)).origin->overrides.empty());
  request.spacing = Spacing3{{{0.4}, {0.2}, {0.2}}};
  const Imported other = import(request);
  CHECK(other.info.grid.spacing == Spacing3{{{0.4}, {0.2}, {0.2}}});
  CHECK(manifest(other).origin->overrides == R"({"spacing_um":{"file":[0.5,0.2,0.2],"given":[0.4,0.2,0.2]}})");
  request.spacing = Spacing3{{{0}, {0.2}, {0.2}}};
  CHECK(refusal(request) == "the spacing along z is 0 um, allowed is more than 0");
}

TEST_CASE_FIXTURE(Fixture, "a single plane needs no z spacing: it takes that of x") {
  TiffStyle style;
  style.description = "ImageJ=1.53t\nunit=micron\n";
  style.x_resolution = 5;
  style.y_resolution = 4;
  write_sample(folder / "a.tif", numbered_pages<std::uint16_t>(1, 2, 2), style);
  CHECK(import(request_for({folder / "a.tif"})).info.grid.spacing == Spacing3{{{0.2}, {0.25}, {0.2}}});
}

TEST_CASE_FIXTURE(Fixture, "signed voxels become floats, and the manifest says what they were") {
  TiffStyle style;
  style.description = "ImageJ=1.53t\nunit=micron\n";
  style.x_resolution = style.y_resolution = 5;
  write_sample<std::int16_t>(folder / "a.tif", {{1, 3, {-32768, -1, 32767}}}, style);
  const Imported imported = import(request_for({folder / "a.tif"}));
  CHECK(imported.info.dtype == DType::float32);
  CHECK(volume<float>(*this, imported, 0, 0) == std::vector<float>{-32768, -1, 32767});
  CHECK(manifest(imported).annotations ==
        std::vector<record::Annotation>{{{"file_voxel_type", record::AnnotationType::text, ""}, std::string("int16")}});
}

TEST_CASE_FIXTURE(Fixture, "an OME-TIFF brings channels and annotations; those of the request go first") {
  OmeSample ome;
  ome.shape = {1, 2, 1, 2, 3};
  ome.pixels = "PhysicalSizeX='0.2' PhysicalSizeY='0.2'";
  ome.channels = "<Channel Name='DAPI' EmissionWavelength='461' ExcitationWavelength='405'/><Channel/>";
  ome.image = "<AcquisitionDate>2018-07-05T17:52:18</AcquisitionDate><ObjectiveSettings ID='Objective:0'/>";
  ome.instrument = "<Instrument ID='Instrument:0'><Objective ID='Objective:0' LensNA='1.3'/></Instrument>";
  TiffStyle style;
  style.description = ome.xml("<TiffData/>");
  write_sample(folder / "cell_1.ome.tif", numbered_pages<std::uint16_t>(2, 2, 3), style);
  auto request = request_for({folder / "cell_1.ome.tif"});
  const record::Annotation acquired{{"acquired", record::AnnotationType::date, ""}, std::string("2018-07-04")};
  request.annotations = {acquired};
  const Imported imported = import(request);
  CHECK(imported.name == "cell_1");
  CHECK(imported.info.channels[0] == record::Channel{"DAPI", 461, 405});
  CHECK(imported.info.channels[1].name == "channel_1");
  CHECK(manifest(imported).annotations ==
        std::vector<record::Annotation>{acquired, {{"numerical_aperture", record::AnnotationType::number, ""}, 1.3}});
}

TEST_CASE_FIXTURE(Fixture, "channel names must fit the image and differ") {
  write_stack(folder / "a_1.tif", {4, 20, 30}, 1);
  write_stack(folder / "a_2.tif", {4, 20, 30}, 2);
  auto request = request_for({folder / "a_1.tif", folder / "a_2.tif"}, Files::channels);
  request.channel_names = {"DAPI"};
  CHECK(refusal(request) == "1 channel names were given (DAPI), but the image has 2 channels");
  request.channel_names = {"DAPI", "DAPI"};
  CHECK(refusal(request) == "the channel names (DAPI, DAPI) are not all different");
}

TEST_CASE_FIXTURE(Fixture, "a project is named by letters, digits, '_' and '-'") {
  write_stack(folder / "a.tif", {4, 20, 30}, 1);
  auto request = request_for({folder / "a.tif"});
  for (const char* bad : {"", "../x", "a b"}) {
    request.project = bad;
    CHECK(refusal(request) == fmt::format("'{}' cannot name a project; letters, digits, '_' and '-' can", bad));
  }
  for (const char* taken : {"events", "runs"}) {
    request.project = taken;
    CHECK(refusal(request) ==
          fmt::format("'{}' cannot name a project: the archive keeps its own records there", taken));
  }
}

TEST_CASE_FIXTURE(Fixture, "a damaged file leaves nothing in the archive") {
  // The voxels of the last page made unreadable, while all directories are sound.
  TiffStyle style;
  style.compression = COMPRESSION_ADOBE_DEFLATE;
  style.description = "ImageJ=1.53t\nimages=40\nslices=40\nunit=um\nspacing=1\n";
  style.x_resolution = style.y_resolution = 1;
  write_sample(folder / "a.tif", numbered_pages<std::uint16_t>(40, 20, 30), style);
  std::string bytes = read_file(folder / "a.tif");
  const auto last_strip = bytes.rfind("\x78\x9c");
  REQUIRE(last_strip != std::string::npos);
  bytes.replace(last_strip, 2, "no");
  write_file_atomically(folder / "a.tif", bytes);
  const std::string message = refusal(request_for({folder / "a.tif"}));
  CHECK(has(message, "'" + (folder / "a.tif").string() + "', page "));
  CHECK(has(message, "its voxels are damaged or cut off ("));
  CHECK(entries() == 0);
}
