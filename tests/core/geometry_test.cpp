// Boxes, halos and views, all in z-y-x order.
#include "pipeline/core/geometry.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "pipeline/core/volume_view.hpp"

using namespace voxflow;

TEST_CASE("boxes are half open: a box ends where the next one begins") {
  const Box3 box{{1, 2, 3}, {4, 5, 6}};
  CHECK(box.end(kZ) == 5);
  CHECK(box.end(kX) == 9);
  CHECK(count(box.extent) == 120);
  CHECK(intersect(box, {{5, 2, 3}, {4, 5, 6}}).empty());
  CHECK(intersect(box, {{4, 0, 5}, {9, 3, 2}}) == Box3{{4, 2, 5}, {1, 1, 2}});
}

TEST_CASE("an intersection without voxels is the empty box at the first one's origin") {
  CHECK(intersect({{1, 2, 3}, {1, 1, 1}}, {{9, 9, 9}, {1, 1, 1}}) == Box3{{1, 2, 3}, {0, 0, 0}});
}

TEST_CASE("a box contains what lies wholly inside it") {
  const Box3 volume{{0, 0, 0}, {4, 4, 4}};
  CHECK(contains(volume, volume));
  CHECK(contains(volume, {{3, 3, 3}, {1, 1, 1}}));
  CHECK(!contains(volume, {{-1, 0, 0}, {2, 2, 2}}));
  CHECK(!contains(volume, {{3, 3, 3}, {1, 1, 2}}));
}

TEST_CASE("a core grown by its halo may reach outside the volume") {
  CHECK(grow({{0, 8, 8}, {4, 4, 4}}, {{1, 2, 3}, {0, 1, 2}}) == Box3{{-1, 6, 5}, {5, 7, 9}});
  CHECK(Halo::symmetric({1, 2, 3}) == Halo{{1, 2, 3}, {1, 2, 3}});
}

TEST_CASE("a grid knows its box, and grids differ by spacing alone") {
  const Grid grid{{2, 3, 4}, {{{0.5}, {0.1}, {0.1}}}};
  CHECK(grid.box() == Box3{{0, 0, 0}, {2, 3, 4}});
  CHECK(grid != Grid{{2, 3, 4}, {{{0.5}, {0.1}, {0.2}}}});
}

TEST_CASE("a view addresses voxels with x fastest, and a part of it shares them") {
  std::vector<int> voxels(2 * 3 * 4);
  std::iota(voxels.begin(), voxels.end(), 0);
  const VolumeView<int> view(voxels.data(), {2, 3, 4});
  CHECK(view.contiguous());
  CHECK(view(1, 2, 3) == 23);
  CHECK(view.row(1, 0)[2] == 14);
  const auto part = view.sub({{1, 1, 1}, {1, 2, 2}});
  CHECK(!part.contiguous());
  CHECK(part.shape() == Index3{1, 2, 2});
  CHECK(part(0, 1, 0) == 21);
  part(0, 1, 0) = -1;
  CHECK(voxels[21] == -1);
}

TEST_CASE("voxels are copied between views of different strides") {
  std::vector<int> from(3 * 3 * 3), to(8, -1);
  std::iota(from.begin(), from.end(), 0);
  const VolumeView<int> source(from.data(), {3, 3, 3});
  copy_voxels(source.sub({{1, 1, 1}, {2, 2, 2}}), VolumeView<int>(to.data(), {2, 2, 2}));
  CHECK(to == std::vector<int>{13, 14, 16, 17, 22, 23, 25, 26});
}
