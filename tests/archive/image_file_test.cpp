#include "pipeline/archive/image_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "pipeline/core/error.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::test;

TEST_CASE_TEMPLATE("every voxel comes back at its t, c, z, y, x", T, std::uint8_t, std::uint16_t, std::uint32_t,
                   float) {
  const TestFolder folder;
  const auto info = image_of(dtype_of<T>(), {20, 70, 130}, 2, 3);
  write_image(folder / "data.h5", info);
  const ImageReader reader(folder / "data.h5");
  for (int t = 0; t < 2; ++t)
    for (int c = 0; c < 3; ++c)
      CHECK(read_box<T>(reader, t, c, info.grid.box()) == voxels_of<T>(info, t, c, info.grid.box()));
}

TEST_CASE("the description of the image comes back whole") {
  const TestFolder folder;
  auto info = image_of(DType::uint16, {3, 4, 5}, 2, 2);
  info.channels[0] = {"DAPI <nuclei> & \"more\" µ", 461.5, 405.0};
  info.time_step_s = 12.5;
  info.kind = record::ImageKind::psf;
  const Digest content = write_image(folder / "data.h5", info);
  const ImageReader reader(folder / "data.h5");
  CHECK(reader.info() == info);
  CHECK(reader.content_digest() == content);
}

TEST_CASE("a box is read as it stands in the volume, across chunks and at the faces") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {70, 100, 150});
  write_image(folder / "data.h5", info);
  const ImageReader reader(folder / "data.h5");
  const std::vector<Box3> boxes{{{0, 0, 0}, {1, 1, 1}},       {{69, 99, 149}, {1, 1, 1}},  {{63, 63, 63}, {2, 2, 2}},
                                {{0, 0, 0}, {64, 64, 64}},    {{0, 0, 64}, {64, 64, 64}},  {{64, 64, 128}, {6, 36, 22}},
                                {{10, 20, 30}, {50, 60, 70}}, {{0, 0, 0}, {70, 100, 150}}, {{5, 0, 0}, {1, 100, 150}}};
  for (const Box3& box : boxes) {
    CAPTURE(box.origin[kX]);
    CHECK(read_box<std::uint16_t>(reader, 0, 0, box) == voxels_of<std::uint16_t>(info, 0, 0, box));
  }
}

TEST_CASE("a box is read into the part of a larger array that it is meant for") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {64, 64, 128});
  write_image(folder / "data.h5", info);
  const ImageReader reader(folder / "data.h5");
  const Index3 shape{66, 67, 68};
  std::vector<std::uint16_t> array(static_cast<std::size_t>(count(shape)), 7);
  const VolumeView<std::uint16_t> whole(array.data(), shape);
  reader.read(0, 0, {{0, 0, 64}, {64, 64, 64}}, whole.sub({{1, 2, 3}, {64, 64, 64}}));
  CHECK(whole(1, 2, 3) == voxel_at<std::uint16_t>(0, 0, 0, 0, 64));
  CHECK(whole(64, 65, 66) == voxel_at<std::uint16_t>(0, 0, 63, 63, 127));
  CHECK(std::count(array.begin(), array.end(), 7) >= count(shape) - 64 * 64 * 64);
}

TEST_CASE("more chunks than the cache holds are read right, again and again") {
  const TestFolder folder;
  const auto info = image_of(DType::float32, {65, 65, 65}, 12, 1);
  write_image(folder / "data.h5", info);
  const ImageReader reader(folder / "data.h5");
  const Box3 corner{{60, 60, 60}, {5, 5, 5}};
  for (int round = 0; round < 2; ++round)
    for (int t = 0; t < 12; ++t) CHECK(read_box<float>(reader, t, 0, corner) == voxels_of<float>(info, t, 0, corner));
}

TEST_CASE("many volumes are written chunk by chunk in any order, and read in any order") {
  const TestFolder folder;
  const auto info = image_of(DType::uint8, {1, 4, 6}, 50, 2);
  auto chunks = all_chunks(info);
  std::reverse(chunks.begin(), chunks.end());
  write_image(folder / "data.h5", info, info.dtype, chunks);
  const ImageReader reader(folder / "data.h5");
  for (const int t : {49, 0, 25, 1, 48})
    CHECK(read_box<std::uint8_t>(reader, t, 1, info.grid.box()) ==
          voxels_of<std::uint8_t>(info, t, 1, info.grid.box()));
}

TEST_CASE("threads may read one image at a time") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {70, 70, 130}, 1, 2);
  write_image(folder / "data.h5", info);
  const ImageReader reader(folder / "data.h5");
  std::vector<int> right(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      const Box3 box{{i, 2 * i, 3 * i}, {60, 60, 100}};
      right[static_cast<std::size_t>(i)] =
          read_box<std::uint16_t>(reader, 0, i % 2, box) == voxels_of<std::uint16_t>(info, 0, i % 2, box);
    });
  for (auto& t : threads) t.join();
  CHECK(right == std::vector<int>(4, 1));
}

TEST_CASE("the content digest depends neither on the path nor on the order of writing") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {65, 70, 66}, 2, 2);
  auto chunks = all_chunks(info);
  const Digest forward = write_image(folder / "data.h5", info, info.dtype, chunks);
  std::reverse(chunks.begin(), chunks.end());
  CHECK(write_image(folder / "other.h5", info, info.dtype, chunks, {"provenance", "", ""}) == forward);
}

TEST_CASE("the content digest is over the voxels, not over the bytes on disk") {
  const TestFolder folder;
  const auto info = image_of(DType::uint32, {5, 70, 66}, 2, 1);
  const Digest wide = write_image(folder / "wide.h5", info, DType::uint32);
  CHECK(write_image(folder / "narrow.h5", info, DType::uint16) == wide);
  const ImageReader reader(folder / "narrow.h5");
  CHECK(reader.info().dtype == DType::uint32);
  CHECK(read_box<std::uint32_t>(reader, 1, 0, info.grid.box()) ==
        voxels_of<std::uint32_t>(info, 1, 0, info.grid.box()));
  const auto chunk = voxels_of<std::uint32_t>(info, 0, 0, {{0, 64, 64}, {5, 64, 64}});
  CHECK(reader.chunk_digests(0, 0)[3] == sha256(chunk.data(), chunk.size() * 4));
}

TEST_CASE("the content digest changes with a voxel, the spacing, the kind and the voxel type, not with a name") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {2, 3, 4});
  std::set<Digest> digests{write_image(folder / "a.h5", info)};
  auto other = info;
  other.grid.spacing[kZ] = {0.31};
  digests.insert(write_image(folder / "b.h5", other));
  other = info;
  other.kind = record::ImageKind::psf;
  digests.insert(write_image(folder / "c.h5", other));
  other = info;
  other.dtype = DType::uint8;
  digests.insert(write_image(folder / "d.h5", other));
  other = info;
  other.grid.shape = {2, 4, 3};
  digests.insert(write_image(folder / "e.h5", other));
  CHECK(digests.size() == 5);
  other = info;
  other.channels[0].name = "renamed";
  CHECK(digests.contains(write_image(folder / "f.h5", other)));
}

TEST_CASE("equal images written twice are equal files") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {4, 70, 66});
  write_image(folder / "a.h5", info);
  write_image(folder / "b.h5", info);
  CHECK(sha256_file(folder / "a.h5") == sha256_file(folder / "b.h5"));
}

TEST_CASE("an image with a chunk missing is not finished, and leaves no file") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {4, 70, 66}, 2, 1);
  auto chunks = all_chunks(info);
  chunks.erase(chunks.begin() + 6);
  const auto message = message_of<InternalError>([&] { write_image(folder / "data.h5", info, info.dtype, chunks); });
  CHECK(message.find("data.h5' is not complete: timepoint 1, channel 0, chunk (0, 1, 0) was never stored") !=
        std::string::npos);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a chunk stored twice, and one outside the image, are bugs") {
  const TestFolder folder;
  const auto info = image_of(DType::uint8, {4, 5, 6});
  ImageWriter writer(folder / "data.h5", info, info.dtype);
  put_chunk(writer, info, info.dtype, {0, 0, {0, 0, 0}});
  CHECK(message_of<InternalError>([&] {
          put_chunk(writer, info, info.dtype, {0, 0, {0, 0, 0}});
        }).find("timepoint 0, channel 0, chunk (0, 0, 0) is stored twice") != std::string::npos);
  CHECK(message_of<InternalError>([&] {
          put_chunk(writer, info, info.dtype, {0, 1, {0, 0, 0}});
        }).find("has no timepoint 0, channel 1, chunk (0, 0, 0)") != std::string::npos);
}

TEST_CASE("what the file format cannot hold is refused before anything is written") {
  const TestFolder folder;
  const auto refused = [&](const record::ImageInfo& info, const char* name, DType storage) {
    return message_of<Error>([&] { ImageWriter(folder / name, info, storage); });
  };
  const auto info = image_of(DType::uint8, {1, 1, 1});
  auto many = info;
  many.timepoints = 100'001;
  CHECK(refused(many, "data.h5", DType::uint8) ==
        "the image has 100001 timepoints, the file format allows 100000; divide the series");
  CHECK(refused(image_of(DType::uint8, {1, 1, 1}, 1, 101), "data.h5", DType::uint8) ==
        "the image has 101 channels, the file format allows 100; divide the channels");
  CHECK(refused(info, "my.data.h5", DType::uint8) ==
        "'my.data.h5' cannot name an image file: letters, digits, '_', '-' and then '.h5' are allowed");
  CHECK(refused(info, "data.h5", DType::uint16) == "voxels of type uint8 cannot be stored as uint16");
  CHECK(refused(image_of(DType::uint8, {1, 0, 1}), "data.h5", DType::uint8) ==
        "an image of 1 timepoints, 1 channels and 1 x 0 x 1 voxels (z, y, x) is empty");
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("what is no image of the archive is refused, saying why") {
  const TestFolder folder;
  const auto refused = [&](const char* name) { return message_of<UserError>([&] { ImageReader(folder / name); }); };
  CHECK(refused("none.h5").find("there is no file") != std::string::npos);
  write_file_atomically(folder / "text.h5", "not HDF5");
  CHECK(refused("text.h5").find("is not an HDF5 file") != std::string::npos);
}

TEST_CASE("reading what is not there is a bug of the caller") {
  const TestFolder folder;
  const auto info = image_of(DType::uint8, {4, 5, 6});
  write_image(folder / "data.h5", info);
  const ImageReader reader(folder / "data.h5");
  CHECK_THROWS_AS(read_box<std::uint8_t>(reader, 0, 1, info.grid.box()), InternalError);
  CHECK_THROWS_AS(read_box<std::uint8_t>(reader, 0, 0, {{0, 0, 1}, {4, 5, 6}}), InternalError);
  CHECK_THROWS_AS(read_box<std::uint16_t>(reader, 0, 0, info.grid.box()), InternalError);
}

TEST_CASE("the XML beside the image says where it is, how large, and how far apart its voxels are") {
  const TestFolder folder;
  auto info = image_of(DType::uint16, {3, 4, 5}, 2, 2);
  info.channels[1].name = "a<b>&c\x01";
  write_image(folder / "data.h5", info);
  const std::string xml = read_file(folder / "data.xml");
  const auto holds = [&](const char* text) { return xml.find(text) != std::string::npos; };
  CHECK(xml.find("<SpimData version=\"0.2\">") < 100);
  CHECK(holds("<hdf5 type=\"relative\">data.h5</hdf5>"));
  CHECK(holds("<size>5 4 3</size>"));
  CHECK(holds("<size>0.2 0.2 0.3</size>"));
  CHECK(holds("<name>a&lt;b&gt;&amp;c </name>"));
  CHECK(holds("<last>1</last>"));
  CHECK(holds("<ViewRegistration timepoint=\"1\" setup=\"1\">"));
  CHECK(holds("<affine>0.2 0 0 0 0 0.2 0 0 0 0 0.3 0</affine>"));
}
