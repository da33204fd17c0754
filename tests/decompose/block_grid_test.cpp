#include "pipeline/decompose/block_grid.hpp"

#include <doctest/doctest.h>

#include "pipeline/core/error.hpp"

using namespace voxflow;
using voxflow::decompose::BlockGrid;

namespace {
// Every voxel of the volume is in exactly one core.
bool covers_once(const BlockGrid& grid, const Index3& shape) {
  std::vector<int> seen(static_cast<std::size_t>(count(shape)));
  for (const Box3& core : grid.cores())
    for (Index z = core.origin[kZ]; z < core.end(kZ); ++z)
      for (Index y = core.origin[kY]; y < core.end(kY); ++y)
        for (Index x = core.origin[kX]; x < core.end(kX); ++x)
          ++seen.at(static_cast<std::size_t>((z * shape[kY] + y) * shape[kX] + x));
  return std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; });
}
}  // namespace

TEST_CASE("cores cover volumes of any size once, each a whole number of chunks or ending at the volume's face") {
  const Index3 chunk{4, 4, 4}, core{8, 8, 8};
  const Halo halo = Halo::symmetric({3, 3, 3});
  for (const Index n : {1, 2, 3, 4, 7, 8, 9, 10, 11, 16, 17, 25}) {
    const Index3 shape{n, 8, 17};
    const Index3 fitting{std::min(n, core[kZ]), 8, 8};
    const BlockGrid grid(shape, {std::min(n, chunk[kZ]), 4, 4}, n < 8 ? fitting : core, halo);
    CHECK(covers_once(grid, shape));
    for (const Box3& b : grid.cores())
      for (std::size_t i = 0; i < 3; ++i) CHECK((b.extent[i] % 4 == 0 || b.end(i) == shape[i]));
  }
}

TEST_CASE("an edge core thinner than the halo joins its neighbour") {
  const BlockGrid joined({129, 128, 128}, {64, 64, 64}, {128, 128, 128}, Halo::symmetric({2, 2, 2}));
  CHECK(joined.cores().size() == 1);
  CHECK(joined.largest_core() == Index3{129, 128, 128});
  const BlockGrid kept({129, 128, 128}, {64, 64, 64}, {128, 128, 128}, Halo::symmetric({1, 1, 1}));
  CHECK(kept.cores().size() == 2);
  CHECK(kept.cores()[1].extent[kZ] == 1);
}

namespace {
Index3 core_shape(const Index3& shape, const Index3& chunk, const Halo& halo) {
  return BlockGrid::core_shape(shape, chunk, halo, Index{2} << 20);
}
}  // namespace

TEST_CASE("the core shape is a function of shape, chunk and halo: near to a cube, about two million voxels") {
  CHECK(core_shape({1000, 1000, 1000}, {64, 64, 64}, {}) == Index3{128, 128, 128});
  CHECK(core_shape({300, 2048, 2048}, {32, 128, 128}, {}) == Index3{128, 128, 128});
  CHECK(core_shape({1, 4096, 4096}, {1, 512, 512}, {}) == Index3{1, 1024, 2048});
  CHECK(core_shape({5, 6, 7}, {5, 6, 7}, Halo::symmetric({9, 9, 9})) == Index3{5, 6, 7});
  CHECK(core_shape({1, 1, 1}, {1, 1, 1}, {}) == Index3{1, 1, 1});
}

TEST_CASE("a core is at least twice the halo, even where that makes it large") {
  const Index3 core = core_shape({1024, 1024, 1024}, {64, 64, 64}, Halo::symmetric({100, 10, 10}));
  CHECK(core[kZ] >= 200);
  CHECK(core[kZ] % 64 == 0);
  CHECK(core_shape({1000, 1000, 1000}, {64, 64, 64}, Halo::symmetric({100, 100, 100})) == Index3{256, 256, 256});
}

TEST_CASE("a core is larger where a third of what blocks read would be halo") {
  const auto shape_for = [](const Index3& shape, Index halo) {
    return core_shape(shape, {64, 64, 64}, Halo::symmetric({halo, halo, halo}));
  };
  CHECK(shape_for({1000, 1000, 1000}, 8) == Index3{128, 128, 128});
  CHECK(shape_for({1000, 1000, 1000}, 30) == Index3{128, 256, 256});
  CHECK(BlockGrid::core_shape({1000, 1000, 1000}, {64, 64, 64}, {}, Index{8} << 20) == Index3{128, 256, 256});
  // A volume's faces have no halo beyond them.
  CHECK(shape_for({128, 256, 256}, 30) == Index3{128, 128, 256});
}

TEST_CASE("blocks are dealt round robin") {
  CHECK(voxflow::decompose::dealt(5, 0, 2) == std::vector<std::size_t>{0, 2, 4});
  CHECK(voxflow::decompose::dealt(5, 1, 2) == std::vector<std::size_t>{1, 3});
  CHECK(voxflow::decompose::dealt(5, 6, 7).empty());
}

TEST_CASE("a wished block that is no whole number of chunks is refused with what is allowed") {
  CHECK_THROWS_WITH_AS(
      BlockGrid({300, 300, 300}, {64, 64, 64}, {100, 128, 128}, {}),
      "blocks are 100 voxels long on axis z, allowed are multiples of 64 (the chunk's length) and 300 or more (the "
      "volume's length)",
      UserError);
}
