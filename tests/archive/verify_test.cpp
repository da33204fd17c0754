#include <doctest/doctest.h>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/record/task.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::test;

namespace {
/// Flips one bit of these stored bytes, found in the file by their content.
void flip_in(const std::filesystem::path& file, const std::vector<std::uint8_t>& stored) {
  std::string bytes = read_file(file);
  const auto place = bytes.find(std::string(stored.begin(), stored.end()));
  REQUIRE(place != std::string::npos);
  bytes[place + stored.size() / 2] ^= 0x04;
  write_file_atomically(file, bytes);
}

void flip_in_chunk(const std::filesystem::path& file, const record::ImageInfo& info, const ChunkAt& at) {
  const Index3 chunk = archive::chunk_shape(info.grid);
  const auto voxels = voxels_of<std::uint16_t>(
      info, at.t, at.c, {{at.chunk[kZ] * chunk[kZ], at.chunk[kY] * chunk[kY], at.chunk[kX] * chunk[kX]}, chunk});
  flip_in(file, archive::encode_chunk(voxels.data(), voxels.size(), info.dtype, info.dtype).bytes);
}
}  // namespace

TEST_CASE("a sound image has nothing to tell") {
  const TestFolder folder;
  write_image(folder / "data.h5", image_of(DType::uint16, {40, 70, 100}, 2, 2));
  CHECK(archive::verify_image(folder / "data.h5").empty());
}

TEST_CASE("a flipped bit is told with file, volume and chunk") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {40, 70, 200}, 2, 2);
  write_image(folder / "data.h5", info);
  flip_in_chunk(folder / "data.h5", info, {1, 0, {0, 1, 2}});
  const auto problems = archive::verify_image(folder / "data.h5");
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] ==
        (folder / "data.h5").string() + ": timepoint 1, channel 0, chunk (0, 1, 2): the compressed bytes are damaged");
}

TEST_CASE("where chunks have a checksum, it is what tells") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {40, 70, 200}, 2, 2);
  write_image(folder / "data.h5", info, info.dtype, all_chunks(info), {}, archive::ChunkChecksum::fletcher32);
  CHECK(archive::verify_image(folder / "data.h5").empty());
  flip_in_chunk(folder / "data.h5", info, {1, 0, {0, 1, 2}});
  const auto problems = archive::verify_image(folder / "data.h5");
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] == (folder / "data.h5").string() +
                           ": timepoint 1, channel 0, chunk (0, 1, 2): the chunk's bytes do not match their checksum "
                           "(fletcher32)");
}

TEST_CASE("a flipped bit in a smaller copy is told with its level") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {10, 70, 300});
  write_image(folder / "data.h5", info);
  std::vector<std::uint16_t> copy(static_cast<std::size_t>(5 * 35 * 64));
  ImageReader(folder / "data.h5")
      .read(0, 0, {{0, 0, 64}, {5, 35, 64}}, VolumeView<std::uint16_t>(copy.data(), {5, 35, 64}), 1);
  flip_in(folder / "data.h5", archive::encode_chunk(copy.data(), copy.size(), info.dtype, info.dtype).bytes);
  const auto problems = archive::verify_image(folder / "data.h5");
  REQUIRE(problems.size() == 1);
  const bool told = problems[0].starts_with(
      (folder / "data.h5").string() + ": timepoint 0, channel 0, level 1, chunk (0, 0, 1): the compressed bytes ");
  CHECK(told);
}

TEST_CASE("reading a damaged chunk tells file, volume and chunk, and the other chunks stay readable") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {40, 70, 200}, 1, 2);
  write_image(folder / "data.h5", info);
  flip_in_chunk(folder / "data.h5", info, {0, 1, {0, 0, 0}});
  const ImageReader reader(folder / "data.h5");
  CHECK(message_of<SystemError>([&] { read_box<std::uint16_t>(reader, 0, 1, info.grid.box()); }) ==
        (folder / "data.h5").string() + ": timepoint 0, channel 1, chunk (0, 0, 0): the compressed bytes are damaged");
  const Box3 beside{{0, 64, 0}, {40, 6, 200}};
  CHECK(read_box<std::uint16_t>(reader, 0, 1, beside) == voxels_of<std::uint16_t>(info, 0, 1, beside));
}

TEST_CASE("voxels that decode well but are not those of the digest are told") {
  const TestFolder folder;
  const auto info = image_of(DType::uint8, {4, 5, 6});
  const std::vector<std::uint8_t> written(120, 1), meant(120, 2);
  auto encoded = archive::encode_chunk(written.data(), written.size(), info.dtype, info.dtype);
  encoded.digest = sha256(meant.data(), meant.size());
  ImageWriter writer(folder / "data.h5", info, info.dtype);
  writer.put(0, 0, {0, 0, 0}, encoded);
  writer.finish({});
  const auto problems = archive::verify_image(folder / "data.h5");
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] == (folder / "data.h5").string() +
                           ": timepoint 0, channel 0, chunk (0, 0, 0): the voxels are not those that were written "
                           "(another SHA-256)");
}

TEST_CASE("a file cut short is told, not opened") {
  const TestFolder folder;
  write_image(folder / "data.h5", image_of(DType::uint16, {40, 70, 100}));
  std::filesystem::resize_file(folder / "data.h5", std::filesystem::file_size(folder / "data.h5") / 2);
  const auto problems = archive::verify_image(folder / "data.h5");
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].find("data.h5: cannot open") != std::string::npos);
  CHECK(problems[0].find("truncated file") != std::string::npos);
}

TEST_CASE("an artifact is held against its manifest, file by file") {
  const TestFolder folder;
  const auto a = archive::Archive::create(folder / "archive");
  const Digest key = sha256("a task");
  const std::string artifact = record::result_folder("demo", key);
  const auto place = a.root() / artifact;
  const auto info = image_of(DType::uint16, {40, 70, 100});
  CHECK(message_of<UserError>([&] { archive::verify_artifact(a, artifact); }) ==
        "there is no artifact '" + place.string() + "'");
  {
    archive::ArtifactBuilder builder(a, artifact);
    const Digest content = write_image(builder.folder() / "data.h5", info);
    builder.write_file("notes.json", "{}");
    builder.publish(manifest_of(info, content, key));
  }
  CHECK(archive::verify_artifact(a, artifact).empty());

  flip_in_chunk(place / "data.h5", info, {0, 0, {0, 1, 0}});
  std::filesystem::remove(place / "notes.json");
  write_file_atomically(place / "more.txt", "more");
  const auto problems = archive::verify_artifact(a, artifact);
  REQUIRE(problems.size() == 4);
  CHECK(problems[0].find("data.h5: the file is not the one that was published") != std::string::npos);
  CHECK(problems[1].find("data.h5: timepoint 0, channel 0, chunk (0, 1, 0): the compressed bytes ") !=
        std::string::npos);
  CHECK(problems[2].find("notes.json: the file is missing") != std::string::npos);
  CHECK(problems[3].find("more.txt: the file is not in the manifest") != std::string::npos);
}
