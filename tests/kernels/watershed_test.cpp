#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "kernels/shared/distance.hpp"
#include "kernels/shared/smooth.hpp"
#include "tests/kernels/block_runner.hpp"
#include "tests/support/messages.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

const Grid kGrid{{24, 40, 60}, {{{0.5}, {0.25}, {0.25}}}};

struct Ball {
  Point3 centre_um;
  double radius_um;
};

bool inside(const Ball& ball, const Grid& grid, Index z, Index y, Index x) {
  const Index3 at{z, y, x};
  double squared = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const double d = static_cast<double>(at[i]) * grid.spacing[i].value - ball.centre_um[i];
    squared += d * d;
  }
  return squared <= ball.radius_um * ball.radius_um;
}

// Ground 100, balls 300, and a little noise.
Volume picture(const std::vector<Ball>& balls, const Grid& grid = kGrid) {
  std::mt19937 random(3);
  return make_volume<float>(grid, [&](Index z, Index y, Index x) {
    double v = 100 + static_cast<double>(random() % 10);
    for (const Ball& b : balls)
      if (inside(b, grid, z, y, x)) v = 300;
    return v;
  });
}

std::vector<std::uint32_t> segment(const Volume& image, ParamValues params = {}, int threads = 1) {
  params.try_emplace("sigma", 0.2);
  params.try_emplace("min_diameter", 2.0);
  return run_blocks(shipped_kernel("segment.watershed"), params, {{{"image", {image}}}, {}}, "image", {0, 0, 0},
                    Context(threads, nullptr))
      .volumes.at("labels")
      .as<std::uint32_t>();
}

std::uint32_t objects(const std::vector<std::uint32_t>& labels) {
  return *std::max_element(labels.begin(), labels.end());
}

std::uint32_t label_at(const std::vector<std::uint32_t>& labels, const Point3& um, const Grid& grid = kGrid) {
  Index3 v{};
  for (std::size_t i = 0; i < 3; ++i) v[i] = std::lround(um[i] / grid.spacing[i].value);
  return labels[static_cast<std::size_t>((v[kZ] * grid.shape[kY] + v[kY]) * grid.shape[kX] + v[kX])];
}

const Ball kLeft{{6, 5, 4}, 2.5}, kRight{{6, 5, 8.2}, 2.5}, kApart{{6, 5, 12.4}, 1.3};
}  // namespace

TEST_CASE("two balls that overlap a little get a label each, and every voxel the label of the nearer centre") {
  const auto labels = segment(picture({kLeft, kRight}));
  REQUIRE(objects(labels) == 2);
  std::size_t i = 0, wrong = 0, voxels = 0;
  for (Index z = 0; z < kGrid.shape[kZ]; ++z)
    for (Index y = 0; y < kGrid.shape[kY]; ++y)
      for (Index x = 0; x < kGrid.shape[kX]; ++x, ++i) {
        if (!inside(kLeft, kGrid, z, y, x) && !inside(kRight, kGrid, z, y, x)) continue;
        ++voxels;
        const bool left = static_cast<double>(x) * 0.25 < 6.1;
        wrong += labels[i] != label_at(labels, left ? kLeft.centre_um : kRight.centre_um) ? 1 : 0;
      }
  CAPTURE(wrong);
  CHECK(static_cast<double>(wrong) < 0.03 * static_cast<double>(voxels));
}

TEST_CASE("balls that overlap to one body stay one object, and depth decides which do") {
  const Ball near{{6, 5, 5.5}, 2.5};
  CHECK(objects(segment(picture({kLeft, near}))) == 1);
  CHECK(objects(segment(picture({kLeft, kRight}), {{"depth", 0.9}})) == 1);
}

TEST_CASE("labels are numbered in raster order of their first voxel") {
  const auto labels = segment(picture({kApart, kLeft, kRight}));
  REQUIRE(objects(labels) == 3);
  std::uint32_t last = 0;
  for (const std::uint32_t v : labels) {
    CHECK(v <= last + 1);
    last = std::max(last, v);
  }
}

TEST_CASE("objects below the smallest diameter are removed") {
  CHECK(objects(segment(picture({kLeft, kRight, kApart}), {{"min_diameter", 3.5}})) == 2);
}

TEST_CASE("a hole below the smallest diameter is filled, a larger one stays") {
  Volume image = picture({kLeft});
  const Ball hole{kLeft.centre_um, 0.8};
  std::size_t i = 0;
  for (Index z = 0; z < kGrid.shape[kZ]; ++z)
    for (Index y = 0; y < kGrid.shape[kY]; ++y)
      for (Index x = 0; x < kGrid.shape[kX]; ++x, ++i)
        if (inside(hole, kGrid, z, y, x)) std::get<std::vector<float>>(image.voxels)[i] = 100;
  CHECK(label_at(segment(image), kLeft.centre_um) == 1);
  CHECK(label_at(segment(image, {{"min_diameter", 0.5}, {"sigma", 0.0}}), kLeft.centre_um) == 0);
}

TEST_CASE("objects at a face are kept or removed, as the workflow says") {
  const Volume image = picture({{{6, 5, 0.5}, 2.5}, kRight});
  CHECK(objects(segment(image)) == 2);
  const auto inner = segment(image, {{"border", std::string("remove")}});
  CHECK(objects(inner) == 1);
  CHECK(label_at(inner, kRight.centre_um) == 1);
}

TEST_CASE("a single plane is segmented by discs, and its z faces are no border") {
  const Grid plane{{1, 40, 60}, {{{1.0}, {0.25}, {0.25}}}};
  const Volume image = picture({{{0, 5, 4}, 2.5}, {{0, 5, 8.2}, 2.5}}, plane);
  CHECK(objects(segment(image, {{"border", std::string("remove")}})) == 2);
}

TEST_CASE("the local threshold finds a dim object beside a bright one, Otsu's does not") {
  Volume image = picture({kLeft, {{6, 5, 11}, 1.8}});
  std::size_t i = 0;
  for (Index z = 0; z < kGrid.shape[kZ]; ++z)
    for (Index y = 0; y < kGrid.shape[kY]; ++y)
      for (Index x = 0; x < kGrid.shape[kX]; ++x, ++i)
        if (inside(kLeft, kGrid, z, y, x)) std::get<std::vector<float>>(image.voxels)[i] = 600;
  Volume dim = image;
  for (float& v : std::get<std::vector<float>>(dim.voxels))
    if (v == 300) v = 260;
  CHECK(objects(segment(dim)) == 1);
  CHECK(objects(segment(dim, {{"threshold", std::string("local")}, {"surroundings", 2.5}})) == 2);
}

TEST_CASE("an image without contrast has no objects, and a threshold above all voxels leaves none") {
  const Volume flat = make_volume<float>(kGrid, [](Index, Index, Index) { return 7.0F; });
  CHECK(objects(segment(flat)) == 0);
  CHECK(objects(segment(flat, {{"threshold", std::string("local")}})) == 0);
  CHECK(objects(segment(picture({kLeft}), {{"threshold", std::string("fixed")}, {"value", 1000.0}})) == 0);
  CHECK(objects(segment(picture({kLeft}), {{"threshold", std::string("fixed")}, {"value", 200.0}})) == 1);
}

TEST_CASE("an image that is foreground everywhere is one object") {
  CHECK(objects(segment(picture({}), {{"threshold", std::string("fixed")}, {"value", 0.0}})) == 1);
}

TEST_CASE("NaN voxels count as ground and spoil no other voxel") {
  Volume image = picture({kLeft, kRight});
  const auto clean = segment(image);
  std::get<std::vector<float>>(image.voxels)[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(segment(image) == clean);
}

TEST_CASE("labels do not depend on threads") {
  const Volume image = picture({kLeft, kRight, kApart});
  for (const std::string threshold : {"otsu", "local"})
    CHECK(segment(image, {{"threshold", threshold}}, 1) == segment(image, {{"threshold", threshold}}, 3));
}

TEST_CASE("a threshold's value and method must fit") {
  const auto& kernel = shipped_kernel("segment.watershed");
  CHECK(message_of<UserError>([&] {
          kernel.bind({{"threshold", std::string("fixed")}});
        }) ==
        "kernel 'segment.watershed': threshold is fixed, but value is not set; set value, or take threshold: otsu");
  CHECK(message_of<UserError>([&] {
          kernel.bind({{"value", 3.0}});
        }) ==
        "kernel 'segment.watershed': value is set, but threshold is otsu; take threshold: fixed, or leave value out");
}

TEST_CASE("the distance transform is that of the definition, whatever the spacing") {
  std::mt19937 random(8);
  for (const Grid& grid : {Grid{{7, 9, 11}, {{{0.7}, {0.3}, {0.2}}}}, Grid{{1, 12, 5}, {{{1.0}, {0.5}, {0.25}}}},
                           Grid{{13, 1, 1}, {{{1.0}, {0.5}, {0.25}}}}}) {
    const Volume mask =
        make_volume<std::uint8_t>(grid, [&](Index, Index, Index) { return random() % 12 == 0 ? 0 : 1; });
    std::vector<float> fast(mask.as<std::uint8_t>().size());
    shared::squared_distance({mask.as<std::uint8_t>().data(), grid.shape}, grid.spacing, {fast.data(), grid.shape},
                             Context(2, nullptr));
    const auto slow = make_volume<float>(grid, [&](Index z, Index y, Index x) {
      double best = shared::kNoBackground;
      std::size_t i = 0;
      for (Index bz = 0; bz < grid.shape[kZ]; ++bz)
        for (Index by = 0; by < grid.shape[kY]; ++by)
          for (Index bx = 0; bx < grid.shape[kX]; ++bx)
            if (mask.as<std::uint8_t>()[i++] == 0) {
              const double dz = static_cast<double>(z - bz) * grid.spacing[kZ].value;
              const double dy = static_cast<double>(y - by) * grid.spacing[kY].value;
              const double dx = static_cast<double>(x - bx) * grid.spacing[kX].value;
              best = std::min(best, dz * dz + dy * dy + dx * dx);
            }
      return best;
    });
    for (std::size_t i = 0; i < fast.size(); ++i) CHECK(fast[i] == doctest::Approx(slow.as()[i]).epsilon(1e-5));
  }
}

TEST_CASE("smoothing is a convolution with a Gaussian over mirrored faces") {
  const Grid grid{{5, 6, 9}, {}};
  std::mt19937 random(1);
  const Volume image =
      make_volume<float>(grid, [&](Index, Index, Index) { return static_cast<float>(random() % 100); });
  std::vector<float> fast = image.as();
  const std::array<double, 3> sigma{0.8, 1.1, 2.3};
  shared::smooth({fast.data(), grid.shape}, sigma, Context(2, nullptr));
  std::size_t i = 0;
  const auto weight = [&](Index d, std::size_t axis) {
    return std::exp(-0.5 * static_cast<double>(d * d) / (sigma[axis] * sigma[axis]));
  };
  for (Index z = 0; z < 5; ++z)
    for (Index y = 0; y < 6; ++y)
      for (Index x = 0; x < 9; ++x) {
        double sum = 0, total = 0;
        for (Index dz = -4; dz <= 4; ++dz)
          for (Index dy = -5; dy <= 5; ++dy)
            for (Index dx = -10; dx <= 10; ++dx) {
              const double w = weight(dz, kZ) * weight(dy, kY) * weight(dx, kX);
              sum += w * mirrored(image, z + dz, y + dy, x + dx);
              total += w;
            }
        CHECK(fast[i++] == doctest::Approx(sum / total).epsilon(1e-5));
      }
}
