// The smaller copies that viewers open first.
#include "pipeline/archive/pyramid.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <limits>

#include "pipeline/core/error.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::archive;
using namespace voxflow::test;

namespace {
template <class T>
std::vector<T> reduced(const std::vector<T>& from, const Index3& shape, const Index3& steps, Reduction reduction) {
  Index3 to_shape;
  for (std::size_t i = 0; i < 3; ++i) to_shape[i] = std::max<Index>(shape[i] / steps[i], 1);
  std::vector<T> to(static_cast<std::size_t>(count(to_shape)));
  reduce(from.data(), shape, steps, dtype_of<T>(), reduction, to.data(), to_shape, to_shape);
  return to;
}

std::vector<Index3> factors_of(const Grid& grid) {
  std::vector<Index3> factors;
  for (const Level& level : pyramid_levels(grid)) factors.push_back(level.factors);
  return factors;
}
}  // namespace

TEST_CASE("y and x are halved until no axis exceeds 256, z as soon as it is less than twice as coarse") {
  using Factors = std::vector<Index3>;
  CHECK(factors_of({{256, 256, 256}, {{{0.2}, {0.2}, {0.2}}}}) == Factors{{1, 1, 1}});
  CHECK(factors_of({{100, 600, 257}, {{{1.0}, {0.3}, {0.3}}}}) == Factors{{1, 1, 1}, {1, 2, 2}, {2, 4, 4}});
  CHECK(factors_of({{1, 1024, 10}, {{{1.0}, {1.0}, {1.0}}}}) == Factors{{1, 1, 1}, {1, 2, 2}, {1, 4, 4}});
  // However coarse z is, and however thin the volume.
  CHECK(factors_of({{600, 3, 1}, {{{5.0}, {1.0}, {1.0}}}}) ==
        Factors{{1, 1, 1}, {1, 2, 2}, {1, 4, 4}, {2, 8, 8}, {4, 16, 16}});
}

TEST_CASE("a level says its shape, spacing and chunks") {
  const auto levels = pyramid_levels({{41, 600, 301}, {{{1.0}, {0.3}, {0.3}}}});
  REQUIRE(levels.size() == 3);
  CHECK(levels[2].grid.shape == Index3{20, 150, 75});
  CHECK(levels[2].grid.spacing[kZ].value == doctest::Approx(2.0));
  CHECK(levels[2].grid.spacing[kX].value == doctest::Approx(1.2));
  CHECK(levels[2].steps == Index3{2, 2, 2});
  CHECK(levels[2].chunk == chunk_shape(levels[2].grid));
}

TEST_CASE("intensities are averaged, rounded half up; what is left over at the end is dropped") {
  CHECK(reduced<std::uint8_t>({1, 2, 9, 2, 2, 9}, {1, 2, 3}, {1, 2, 2}, Reduction::mean) ==
        std::vector<std::uint8_t>{2});
  CHECK(reduced<std::uint16_t>({65535, 65535, 65535, 65535}, {1, 2, 2}, {1, 2, 2}, Reduction::mean).front() == 65535);
  CHECK(reduced<float>({1, 2, 3, 4, 5, 6, 7, 8}, {2, 2, 2}, {2, 2, 2}, Reduction::mean).front() == 4.5F);
  CHECK(reduced<float>({1, 3}, {1, 1, 2}, {1, 2, 2}, Reduction::mean).front() == 2);  // y has one voxel only
}

TEST_CASE("voxels that are no numbers do not spread") {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  CHECK(reduced<float>({1, kNaN, kInf, 3}, {1, 2, 2}, {1, 2, 2}, Reduction::mean).front() == 2);
  CHECK(std::isnan(reduced<float>({kNaN, kInf, -kInf, kNaN}, {1, 2, 2}, {1, 2, 2}, Reduction::mean).front()));
  CHECK(reduced<float>({3e38F, 3e38F, 3e38F, 3e38F}, {1, 2, 2}, {1, 2, 2}, Reduction::mean).front() == 3e38F);
}

TEST_CASE("a label is the most frequent one; among equals the background gives way, then the larger number") {
  const auto mode = [](const std::vector<std::uint32_t>& v) {
    return reduced<std::uint32_t>(v, {1, 2, 2}, {1, 2, 2}, Reduction::mode).front();
  };
  CHECK(mode({7, 7, 7, 9}) == 7);
  CHECK(mode({0, 0, 0, 9}) == 0);
  CHECK(mode({0, 0, 9, 9}) == 9);
  CHECK(mode({9, 0, 0, 4}) == 0);
  CHECK(mode({9, 4, 4, 9}) == 4);
  CHECK(mode({0, 9, 4, 5}) == 4);
}

TEST_CASE("levels are read box by box, their chunks have digests, and threads change nothing") {
  const TestFolder folder;
  const auto info = image_of(DType::uint16, {40, 300, 520}, 2, 2);
  std::atomic<int> beats{0};
  const auto write = [&](const std::string& name, std::size_t threads) {
    ImageWriter writer(folder / name, info, info.dtype);
    for (const ChunkAt& at : all_chunks(info)) put_chunk(writer, info, info.dtype, at);
    return writer.finish({}, {threads, [&] { ++beats; }});
  };
  const Digest one = write("one.h5", 1);
  CHECK(beats > 0);
  CHECK(write("four.h5", 4) == one);
  const ImageReader a(folder / "one.h5"), b(folder / "four.h5");
  REQUIRE(a.levels() == 3);
  CHECK(a.grid(1).shape == Index3{20, 150, 260});
  for (std::size_t level = 0; level < 3; ++level) CHECK(a.chunk_digests(1, 1, level) == b.chunk_digests(1, 1, level));
  std::vector<std::uint16_t> voxel(1);
  a.read(1, 0, {{3, 70, 200}, {1, 1, 1}}, VolumeView<std::uint16_t>(voxel.data(), {1, 1, 1}), 1);
  unsigned sum = 4;
  for (const Index z : {6, 7})
    for (const Index y : {140, 141})
      for (const Index x : {400, 401}) sum += voxel_at<std::uint16_t>(1, 0, z, y, x);
  CHECK(voxel[0] == sum / 8);
  CHECK(verify_image(folder / "one.h5").empty());
  CHECK_THROWS_AS(static_cast<void>(a.grid(3)), InternalError);
}
