// Export: what leaves the archive comes back as the same content, and what cannot is refused or noted.
#include "pipeline/interop/export.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "pipeline/core/error.hpp"
#include "pipeline/interop/import.hpp"
#include "pipeline/interop/tiff_image.hpp"
#include "tests/interop/tiff_samples.hpp"
#include "tests/support/archive_fixture.hpp"
#include "tests/support/oracles.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace fs = std::filesystem;

namespace {
/// Two timepoints, two channels; larger than a chunk along z and y and than a tile along y, and a multiple of neither.
record::ImageInfo sample() {
  record::ImageInfo info;
  info.grid = {{33, 260, 36}, {{{0.5}, {0.2}, {0.2}}}};
  info.timepoints = 2;
  info.time_step_s = 12.5;
  info.channels = {{"DAPI", 460.0, std::nullopt}, {"GFP", std::nullopt, std::nullopt}};
  return info;
}

ExportRequest request(const ArchiveFixture& f, const record::TaskInput& image, const std::string& name,
                      TiffProfile profile) {
  ExportRequest r;
  r.image = f.archive.root() / image.artifact / "data.h5";
  r.file = f.folder / name;
  r.profile = profile;
  r.name = "sample";
  return r;
}

/// The id of what the file's import gives.
std::string imported_id(const ArchiveFixture& f, const fs::path& file) {
  ImportRequest r;
  r.project = "back";
  r.files = {file};
  return record::content_id(import_image(r, f.archive).content);
}

record::TaskInput labels(ArchiveFixture& f, std::uint32_t highest) {
  record::ImageInfo info = sample();
  info.kind = record::ImageKind::labels;
  info.grid.shape = {2, 3, 4};
  info.channels.resize(1);
  info.timepoints = 1;
  return f.acquire<std::uint32_t>(info, [&](std::size_t i) { return i == 23 ? highest : i; });
}
}  // namespace

TEST_CASE_FIXTURE(ArchiveFixture, "an exported image comes back by import with the same content digest") {
  const auto value = [](std::size_t i) { return static_cast<double>(i * 2654435761U >> 9 & 0xffff); };
  record::ImageInfo plane = sample();
  plane.grid.shape = {1, 700, 33};
  plane.grid.spacing = {{{0.5}, {0.2}, {0.2}}};
  const std::vector<record::TaskInput> images{
      acquire<std::uint8_t>(sample(), [&](std::size_t i) { return std::fmod(value(i), 256); }),
      acquire<std::uint16_t>(sample(), value),
      acquire<float>(sample(), [&](std::size_t i) { return value(i) / 7 - 9; }), acquire<std::uint16_t>(plane, value)};
  for (const auto& image : images)
    for (const auto profile : {TiffProfile::imagej, TiffProfile::ome}) {
      CAPTURE(static_cast<int>(profile));
      auto r = request(*this, image, "out.tif", profile);
      r.existing = Existing::replace;
      export_image(r);
      CHECK(imported_id(*this, r.file) == image.id);
    }
}

TEST_CASE_FIXTURE(ArchiveFixture, "channel names, wavelengths and the time step go along in an OME-TIFF") {
  const auto image = acquire<std::uint8_t>(sample(), [](std::size_t) { return 1; });
  export_image(request(*this, image, "out.ome.tif", TiffProfile::ome));
  const auto facts = TiffImage(folder / "out.ome.tif").facts();
  CHECK(facts.channels == sample().channels);
  CHECK(facts.time_step_s == 12.5);
}

TEST_CASE_FIXTURE(ArchiveFixture, "labels become the narrowest type that keeps them exactly") {
  const auto type_of = [&](std::uint32_t highest, TiffProfile profile) {
    auto r = request(*this, labels(*this, highest), "out.tif", profile);
    r.existing = Existing::replace;
    return export_image(r).dtype;
  };
  CHECK(type_of(65'535, TiffProfile::imagej) == DType::uint16);
  CHECK(type_of(65'536, TiffProfile::imagej) == DType::float32);
  CHECK(type_of(16'777'216, TiffProfile::imagej) == DType::float32);
  CHECK(type_of(65'535, TiffProfile::ome) == DType::uint16);
  CHECK(type_of(16'777'217, TiffProfile::ome) == DType::uint32);
  CHECK(message_of<UserError>([&] { type_of(16'777'217, TiffProfile::imagej); }) ==
        "its labels reach 16777217, and an ImageJ TIFF keeps whole numbers up to 16777216 exactly; export it as "
        "ome-tiff");
  if (const auto text = python_says("import sys, tifffile\nprint(tifffile.imread(sys.argv[1]).max())\n",
                                    {(folder / "out.tif").string()}))
    CHECK(*text == "16777217\n");
}

TEST_CASE_FIXTURE(ArchiveFixture, "a float image made uint16 notes how values follow from numbers, and what was cut") {
  record::ImageInfo info = sample();
  info.grid.shape = {1, 2, 3};
  info.channels.resize(1);
  info.timepoints = 1;
  const double inf = std::numeric_limits<double>::infinity();
  const std::array<double, 6> values{-2, 0, 4.5, 11.107, std::nan(""), inf};
  const auto image = acquire<float>(info, [&](std::size_t i) { return values[i]; });
  auto r = request(*this, image, "out.tif", TiffProfile::imagej);
  r.as_uint16 = true;
  const auto numbers = [&] {
    std::vector<std::uint16_t> voxels(6);
    TiffImage(r.file).read_plane(0, 0, 0, voxels.data());
    return voxels;
  };
  SUBCASE("its own extremes become 0 and 65535") {
    const Exported e = export_image(r);
    CHECK(e.dtype == DType::uint16);
    CHECK(e.values->offset == -2);
    CHECK(e.values->scale == doctest::Approx(13.107 / 65535));
    CHECK(e.saturated_voxels == 1);
    CHECK(e.nan_voxels == 1);
    CHECK(numbers() == std::vector<std::uint16_t>{0, 10'000, 32'500, 65'535, 0, 65'535});
  }
  SUBCASE("or the range that was asked for") {
    r.range = {{0, 32'767.5}};
    const Exported e = export_image(r);
    CHECK(e.saturated_voxels == 2);
    CHECK(numbers() == std::vector<std::uint16_t>{0, 0, 9, 22, 0, 65'535});
    if (const auto text = python_says(
            "import sys, tifffile\nprint(tifffile.TiffFile(sys.argv[1]).imagej_metadata['Info'])\n", {r.file.string()}))
      CHECK(*text == "value_offset: 0\nvalue_scale: 0.5\nsaturated_voxels: 2\nnan_voxels: 1\n\n");
  }
}

TEST_CASE_FIXTURE(ArchiveFixture, "other images stay as they are when float images are made uint16") {
  const auto image = acquire<std::uint8_t>(sample(), [](std::size_t i) { return i % 200; });
  auto r = request(*this, image, "out.tif", TiffProfile::ome);
  r.as_uint16 = true;
  CHECK(export_image(r).dtype == DType::uint8);
  CHECK(imported_id(*this, r.file) == image.id);
}

TEST_CASE_FIXTURE(ArchiveFixture, "a table is copied byte by byte, and never over another file") {
  write_file_atomically(folder / "a.tsv", "label_id\tvolume_um3\n1\t2.5\n");
  export_table(folder / "a.tsv", folder / "b.tsv", Existing::refuse);
  CHECK(read_file(folder / "b.tsv") == read_file(folder / "a.tsv"));
  CHECK(message_of<UserError>([&] { export_table(folder / "a.tsv", folder / "b.tsv", Existing::refuse); }) ==
        "'" + (folder / "b.tsv").string() + "' is there already; remove it, or write elsewhere");
}
