#include "pipeline/decompose/border.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "pipeline/core/volume_view.hpp"

using namespace voxflow;
using namespace voxflow::decompose;

namespace {
// Steps from voxel 0, where both directions look alike, and turns round at the ends: slow, and plainly right.
Index walk(Index i, Index size, Outside outside) {
  if (outside == Outside::extend || size == 1) return std::clamp<Index>(i, 0, size - 1);
  Index at = 0, step = 1;
  for (Index n = 0; n < std::abs(i); ++n) {
    if (at + step < 0 || at + step >= size) step = -step;
    at += step;
  }
  return at;
}

template <class T>
void check_fill(const Index3& shape, const Box3& box, Outside outside) {
  std::vector<T> volume(static_cast<std::size_t>(count(shape)));
  for (std::size_t i = 0; i < volume.size(); ++i) volume[i] = static_cast<T>(i * 7 + 1);
  const VolumeView<const T> view(volume.data(), shape);
  int reads = 0;
  const BoxReader read = [&](const Box3& part, void* to, const Index3& stride) {
    ++reads;
    REQUIRE(contains({{0, 0, 0}, shape}, part));
    copy_voxels<T>(view.sub(part), VolumeView<T>(static_cast<T*>(to), part.extent, stride));
  };
  std::vector<T> got(static_cast<std::size_t>(count(box.extent)));
  fill_box(box, shape, outside, sizeof(T), read, got.data());
  CHECK(reads == 1);
  std::size_t at = 0, wrong = 0;
  for (Index z = box.origin[kZ]; z < box.end(kZ); ++z)
    for (Index y = box.origin[kY]; y < box.end(kY); ++y)
      for (Index x = box.origin[kX]; x < box.end(kX); ++x)
        wrong +=
            got[at++] != view(walk(z, shape[kZ], outside), walk(y, shape[kY], outside), walk(x, shape[kX], outside));
  CHECK(wrong == 0);
}
}  // namespace

TEST_CASE("mirror reflects without repeating the edge voxel, at any distance and for single voxels") {
  CHECK(inside_index(-1, 5, Outside::mirror) == 1);
  CHECK(inside_index(5, 5, Outside::mirror) == 3);
  CHECK(inside_index(-9, 5, Outside::mirror) == 1);
  CHECK(inside_index(8, 5, Outside::mirror) == 0);
  CHECK(inside_index(-100, 1, Outside::mirror) == 0);
  for (Index n = 1; n < 7; ++n)
    for (Index i = -30; i < 30; ++i) CHECK(inside_index(i, n, Outside::mirror) == walk(i, n, Outside::mirror));
}

TEST_CASE("boxes around cores are filled as a voxel by voxel oracle fills them, with one read") {
  for (const Outside outside : {Outside::mirror, Outside::extend})
    for (const Index3& shape : {Index3{1, 1, 1}, Index3{1, 9, 4}, Index3{3, 2, 8}, Index3{6, 7, 5}})
      for (const Halo& halo : {Halo::symmetric({1, 2, 3}), Halo{{0, 5, 2}, {7, 0, 1}}, Halo::symmetric({20, 20, 20})}) {
        const Box3 whole{{0, 0, 0}, shape};
        check_fill<std::uint16_t>(shape, input_box(whole, halo, outside, shape), outside);
        const Box3 corner{{0, 0, 0}, {1, 1, 1}};
        check_fill<float>(shape, input_box(corner, halo, outside, shape), outside);
      }
}

TEST_CASE("a box that lies wholly outside of the volume is filled too") {
  check_fill<std::uint8_t>({4, 5, 6}, {{-9, 7, 20}, {2, 3, 4}}, Outside::mirror);
  check_fill<std::uint32_t>({4, 5, 6}, {{-9, 7, 20}, {2, 3, 4}}, Outside::extend);
}

TEST_CASE("without a border the box is clipped to the volume") {
  const Box3 box = input_box({{0, 2, 4}, {2, 2, 2}}, Halo::symmetric({1, 1, 1}), Outside::clip, {4, 5, 6});
  CHECK(box == Box3{{0, 1, 3}, {3, 4, 3}});
  check_fill<float>({4, 5, 6}, box, Outside::clip);
}
