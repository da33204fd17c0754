// What is projected, cut and averaged, and how much is read at a time.
#include "pipeline/preview/views.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/preview/volumes.hpp"

using namespace voxflow;
using namespace voxflow::preview;
using namespace voxflow::test;

namespace {
constexpr Index3 kOne{1, 1, 1};

float scrambled(Index z, Index y, Index x) {
  return static_cast<float>((z * 7919 + y * 104729 + x * 1299709) % 1009);
}

const Cut kAll{Projection::max, {}, Sides::both};
}  // namespace

TEST_CASE("a projection shows the highest value of each line of sight, from each side") {
  const Index3 shape{5, 7, 9};
  const auto views = intensity_views(shape, kOne, kAll, volume_of<float>(scrambled));
  REQUIRE(views.xy.height == 7);
  REQUIRE(views.xy.width == 9);
  REQUIRE(views.xz.height == 5);
  REQUIRE(views.xz.width == 9);
  REQUIRE(views.yz.height == 7);
  REQUIRE(views.yz.width == 5);
  Plane<float> xy(7, 9, 0), xz(5, 9, 0), yz(7, 5, 0);
  for (Index z = 0; z < 5; ++z)
    for (Index y = 0; y < 7; ++y)
      for (Index x = 0; x < 9; ++x) {
        const float v = scrambled(z, y, x);
        xy.at(y, x) = std::max(xy.at(y, x), v);
        xz.at(z, x) = std::max(xz.at(z, x), v);
        yz.at(y, z) = std::max(yz.at(y, z), v);
      }
  CHECK(views.xy.values == xy.values);
  CHECK(views.xz.values == xz.values);
  CHECK(views.yz.values == yz.values);
}

TEST_CASE("a volume that is read in many boxes is projected as in one") {
  const Index3 shape{70, 300, 600};
  const auto views = intensity_views(shape, kOne, kAll, volume_of<float>(scrambled));
  for (const auto& [y, x] : {std::pair<Index, Index>{0, 0}, {255, 511}, {256, 512}, {299, 599}}) {
    float highest = 0;
    for (Index z = 0; z < shape[kZ]; ++z) highest = std::max(highest, scrambled(z, y, x));
    CHECK(views.xy.at(y, x) == highest);
  }
  float side = 0;
  for (Index y = 0; y < shape[kY]; ++y) side = std::max(side, scrambled(65, y, 520));
  CHECK(views.xz.at(65, 520) == side);
}

TEST_CASE("slices are the planes through one voxel") {
  const Index3 shape{5, 7, 9};
  const Cut cut{Projection::slice, {3, 2, 8}, Sides::both};
  const auto views = intensity_views(shape, kOne, cut, volume_of<float>(scrambled));
  CHECK(views.xy.at(6, 1) == scrambled(3, 6, 1));
  CHECK(views.xz.at(4, 1) == scrambled(4, 2, 1));
  CHECK(views.yz.at(6, 4) == scrambled(4, 6, 8));
}

TEST_CASE("sides that are not wanted are not made") {
  const auto views = intensity_views({2, 3, 4}, kOne, {}, volume_of<float>(scrambled));
  CHECK(views.xz.empty());
  CHECK(views.yz.empty());
}

TEST_CASE("bins are averaged before they are projected; the last one may be smaller") {
  const auto ramp =
      volume_of<float>([](Index z, Index y, Index x) { return static_cast<float>(100 * z + 10 * y + x); });
  const auto views = intensity_views({2, 3, 5}, {1, 2, 2}, kAll, ramp);
  REQUIRE(views.xy.height == 2);
  REQUIRE(views.xy.width == 3);
  CHECK(views.xy.at(0, 0) == doctest::Approx(105.5));
  CHECK(views.xy.at(1, 2) == doctest::Approx(124));
  CHECK(views.yz.at(0, 1) == doctest::Approx(109));
}

TEST_CASE("values that are not finite are left out; where there is no other the view has none either") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const auto holes = volume_of<float>([&](Index z, Index, Index x) { return x == 0 ? nan : z == 0 ? inf : -5.0F; });
  const auto views = intensity_views({2, 1, 2}, kOne, {}, holes);
  CHECK(std::isnan(views.xy.at(0, 0)));
  CHECK(views.xy.at(0, 1) == -5);
  CHECK(intensity_views({2, 1, 2}, {1, 1, 2}, {}, holes).xy.at(0, 0) == -5);
}

TEST_CASE("labels are kept whole: the highest of a bin and of a line of sight wins") {
  constexpr std::uint32_t kLarge = 4'000'000'001;  // has no float of its own
  const auto labels = volume_of<std::uint32_t>(
      [](Index z, Index y, Index x) { return z == 1 && y == 0 && x == 1 ? kLarge : static_cast<std::uint32_t>(x); });
  CHECK(label_views({2, 2, 4}, kOne, {}, labels).xy.values == std::vector<std::uint32_t>{0, kLarge, 2, 3, 0, 1, 2, 3});
  CHECK(label_views({2, 2, 4}, {1, 2, 2}, {}, labels).xy.values == std::vector<std::uint32_t>{kLarge, 3});
}

TEST_CASE("a large volume is read in boxes that stay small, each voxel once") {
  struct Case {
    Index3 shape, bin;
  };
  for (const Case& c :
       {Case{{3, 2100, 9000}, {1, 6, 6}}, Case{{700, 260, 130}, {3, 1, 1}}, Case{{1, 2, 70000}, {1, 50, 50}}}) {
    Index most = 0, all = 0;
    const ReadBox<float> read = [&](const Box3& box, const VolumeView<float>& to) {
      most = std::max(most, count(box.extent));
      all += count(box.extent);
      std::fill_n(to.data(), count(box.extent), 1.0F);
    };
    intensity_views(c.shape, c.bin, kAll, read);
    CHECK(most <= kSlabVoxels);
    CHECK(all == count(c.shape));
  }
}
