#include "pipeline/archive/chunks.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "pipeline/core/error.hpp"
#include "tests/archive/samples.hpp"

using namespace voxflow;
using namespace voxflow::test;

namespace {
Grid grid(const Index3& shape, double z_um, double x_um) {
  return {shape, {{{z_um}, {x_um}, {x_um}}}};
}

/// Encodes and decodes; the decoded bytes.
template <class T>
std::vector<T> round_trip(const std::vector<T>& voxels, DType storage) {
  const DType dtype = dtype_of<T>();
  const auto encoded = archive::encode_chunk(voxels.data(), voxels.size(), dtype, storage);
  CHECK(encoded.digest == sha256(voxels.data(), voxels.size() * sizeof(T)));
  std::vector<T> decoded(voxels.size());
  archive::decode_chunk(encoded.bytes.data(), encoded.bytes.size(), decoded.size(), storage, dtype, decoded.data());
  return decoded;
}

template <class T>
std::vector<T> noise(std::size_t n) {
  std::vector<T> voxels(n);
  std::uint64_t state = 88172645463325252u;
  for (T& v : voxels) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    std::memcpy(&v, &state, sizeof(T));
  }
  return voxels;
}
}  // namespace

TEST_CASE("a near-isotropic volume is cut into cubes of 64") {
  CHECK(archive::chunk_shape(grid({200, 512, 512}, 0.2, 0.2)) == Index3{64, 64, 64});
  CHECK(archive::chunk_shape(grid({200, 512, 512}, 0.399, 0.2)) == Index3{64, 64, 64});
}

TEST_CASE("a volume whose z spacing is twice that of x or more is cut into flat chunks") {
  CHECK(archive::chunk_shape(grid({200, 512, 512}, 0.4, 0.2)) == Index3{32, 128, 128});
  CHECK(archive::chunk_shape(grid({200, 512, 512}, 1.0, 0.1)) == Index3{32, 128, 128});
}

TEST_CASE("a single plane is cut into squares of 512, whatever its spacing") {
  CHECK(archive::chunk_shape(grid({1, 2048, 2048}, 1.0, 0.1)) == Index3{1, 512, 512});
  CHECK(archive::chunk_shape(grid({1, 2048, 2048}, 0.1, 0.1)) == Index3{1, 512, 512});
}

TEST_CASE("a chunk is never larger than the volume") {
  CHECK(archive::chunk_shape(grid({2, 30, 512}, 0.2, 0.2)) == Index3{2, 30, 64});
  CHECK(archive::chunk_shape(grid({1, 100, 700}, 0.2, 0.2)) == Index3{1, 100, 512});
  CHECK(archive::chunk_shape(grid({1, 1, 1}, 0.2, 0.2)) == Index3{1, 1, 1});
}

TEST_CASE("chunks that are not full count as chunks") {
  CHECK(archive::chunk_counts(grid({64, 65, 128}, 0.2, 0.2)) == Index3{1, 2, 2});
  CHECK(archive::chunk_counts(grid({33, 128, 129}, 1.0, 0.2)) == Index3{2, 1, 2});
}

TEST_CASE_TEMPLATE("a chunk comes back as it was, noise included", T, std::uint8_t, std::uint16_t, std::uint32_t,
                   float) {
  for (const std::size_t n : {1u, 7u, 64u * 64u * 64u}) {
    const auto voxels = noise<T>(n);
    const auto decoded = round_trip(voxels, dtype_of<T>());
    CHECK(std::memcmp(decoded.data(), voxels.data(), n * sizeof(T)) == 0);
    CHECK(round_trip(std::vector<T>(n), dtype_of<T>()) == std::vector<T>(n));
  }
}

TEST_CASE("smooth voxels take less room than their bytes") {
  const auto voxels = voxels_of<std::uint16_t>(image_of(DType::uint16, {64, 64, 64}), 0, 0, {{0, 0, 0}, {64, 64, 64}});
  const auto encoded = archive::encode_chunk(voxels.data(), voxels.size(), DType::uint16, DType::uint16);
  CHECK(encoded.bytes.size() < voxels.size() * 6 / 5);
}

TEST_CASE("labels have one digest, stored in 16 or in 32 bits") {
  std::vector<std::uint32_t> labels(5000);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::uint32_t>(i * 13 % 65536);
  CHECK(round_trip(labels, DType::uint16) == labels);
  CHECK(round_trip(labels, DType::uint32) == labels);
  CHECK(archive::encode_chunk(labels.data(), labels.size(), DType::uint32, DType::uint16).digest ==
        archive::encode_chunk(labels.data(), labels.size(), DType::uint32, DType::uint32).digest);
}

TEST_CASE("labels that do not fit 16 bits are not cut short") {
  const std::vector<std::uint32_t> labels{1, 65536};
  CHECK(message_of<InternalError>([&] {
          archive::encode_chunk(labels.data(), labels.size(), DType::uint32, DType::uint16);
        }) == "labels above 65535 cannot be stored as uint16");
}

TEST_CASE("only labels are stored in another type than theirs") {
  const std::vector<float> voxels(8);
  CHECK(message_of<InternalError>([&] {
          archive::encode_chunk(voxels.data(), voxels.size(), DType::float32, DType::uint16);
        }) == "voxels of type float32 cannot be stored as uint16");
}

TEST_CASE("a flipped bit anywhere in a chunk's bytes is an error") {
  const auto voxels = noise<std::uint16_t>(2000);
  const auto encoded = archive::encode_chunk(voxels.data(), voxels.size(), DType::uint16, DType::uint16);
  std::vector<std::uint16_t> decoded(voxels.size());
  for (std::size_t i = 0; i < encoded.bytes.size(); i += 37) {
    auto bytes = encoded.bytes;
    bytes[i] ^= 0x10;
    CAPTURE(i);
    CHECK_THROWS_AS(
        archive::decode_chunk(bytes.data(), bytes.size(), decoded.size(), DType::uint16, DType::uint16, decoded.data()),
        SystemError);
  }
}

TEST_CASE("a chunk of another length is an error that gives the length wanted") {
  const auto voxels = noise<std::uint8_t>(100);
  const auto encoded = archive::encode_chunk(voxels.data(), voxels.size(), DType::uint8, DType::uint8);
  std::vector<std::uint8_t> decoded(101);
  CHECK(message_of<SystemError>([&] {
          archive::decode_chunk(encoded.bytes.data(), encoded.bytes.size(), 101, DType::uint8, DType::uint8,
                                decoded.data());
        }) == "the compressed bytes do not hold 101 bytes");
}
