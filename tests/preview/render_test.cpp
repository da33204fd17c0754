// Pixels of rendered pictures.
#include "pipeline/preview/render.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "pipeline/preview/colours.hpp"
#include "tests/preview/volumes.hpp"

using namespace voxflow;
using namespace voxflow::preview;
using namespace voxflow::test;

namespace {
/// One pixel a voxel.
const Size kSame{1, 1600};

Viewing viewing(Sides sides = Sides::none, const Size& size = kSame, ScaleBar bar = ScaleBar::none) {
  return {{Projection::max, {}, sides}, size, bar};
}

Channel ramp_along_x() {
  return {"ramp", volume_of<float>([](Index, Index, Index x) { return static_cast<float>(x); })};
}

/// Two boxes that touch, 3 x 4 voxels each, labels 1 and 2, in planes 1 and 2 of 4.
std::uint32_t two_boxes(Index z, Index y, Index x) {
  if (z < 1 || z > 2 || y < 2 || y > 4) return 0;
  return x >= 2 && x < 6 ? 1 : x >= 6 && x < 10 ? 2 : 0;
}
}  // namespace

TEST_CASE("a channel alone is grey between its percentiles") {
  Scene scene{grid_of({1, 10, 1001}), {ramp_along_x()}, {}, Tone::linear};
  const auto shown = render(scene, viewing());
  REQUIRE(shown.picture.width() == 1001);
  CHECK(shown.channels.at(0).contrast == Contrast{10, 998});
  CHECK(shown.picture.at(0, 10) == kBlack);
  CHECK(shown.picture.at(0, 504) == Rgb{128, 128, 128});
  CHECK(shown.picture.at(9, 998) == kWhite);
  CHECK(shown.picture.at(9, 1000) == kWhite);
}

TEST_CASE("two channels are green and magenta, and white together") {
  const auto left = volume_of<float>([](Index, Index, Index x) { return x < 20 ? 5.0F : 0.0F; });
  const auto middle = volume_of<float>([](Index, Index, Index x) { return x >= 10 && x < 30 ? 80.0F : 0.0F; });
  const Scene scene{grid_of({1, 4, 40}), {{"a", left}, {"b", middle}}, {}, Tone::linear};
  const Raster picture = render(scene, viewing()).picture;
  CHECK(picture.at(1, 5) == Rgb{0, 255, 0});
  CHECK(picture.at(1, 15) == kWhite);
  CHECK(picture.at(1, 25) == Rgb{255, 0, 255});
  CHECK(picture.at(1, 35) == kBlack);
}

TEST_CASE("outlines are the labels' own outermost pixels, and touching labels stay apart") {
  const Scene scene{grid_of({4, 8, 12}),
                    {ramp_along_x()},
                    {{"cells", Regions::labels, volume_of<std::uint32_t>(two_boxes)}},
                    Tone::linear};
  Scene bare = scene;
  bare.outlines.clear();
  const Raster picture = render(scene, viewing()).picture, ground = render(bare, viewing()).picture;
  for (Index y = 0; y < 8; ++y)
    for (Index x = 0; x < 12; ++x) {
      const std::uint32_t label = two_boxes(1, y, x);
      const bool inside = label != 0 && y == 3 && x != 2 && x != 5 && x != 6 && x != 9;
      INFO(y << ", " << x);
      CHECK(picture.at(y, x) == (label == 0 || inside ? ground.at(y, x) : label_colour(label)));
    }
}

TEST_CASE("a slice has the outlines of its own plane, a projection those of what is projected") {
  const Scene scene{grid_of({4, 8, 12}),
                    {ramp_along_x()},
                    {{"cells", Regions::labels, volume_of<std::uint32_t>(two_boxes)}},
                    Tone::linear};
  Viewing slice = viewing();
  slice.cut = {Projection::slice, {3, 0, 0}, Sides::none};
  CHECK(render(scene, slice).picture.at(2, 2) != label_colour(1));
  slice.cut.at[kZ] = 2;
  CHECK(render(scene, slice).picture.at(2, 2) == label_colour(1));
  CHECK(render(scene, viewing()).picture.at(2, 2) == label_colour(1));
}

TEST_CASE("a mask over an image has one colour") {
  const Scene scene{grid_of({4, 8, 12}),
                    {ramp_along_x()},
                    {{"mask", Regions::mask, volume_of<std::uint32_t>([](Index z, Index y, Index x) {
                        return two_boxes(z, y, x) == 0 ? 0U : 1U;
                      })}},
                    Tone::linear};
  const Raster picture = render(scene, viewing()).picture;
  CHECK(picture.at(2, 2) == kMaskColour);
  CHECK(picture.at(3, 5) != kMaskColour);  // no edge between the boxes
}

TEST_CASE("labels without an image are filled, each in its colour") {
  const Scene scene{
      grid_of({4, 8, 12}), {}, {{"cells", Regions::labels, volume_of<std::uint32_t>(two_boxes)}}, Tone::linear};
  const Raster picture = render(scene, viewing()).picture;
  CHECK(picture.at(3, 3) == label_colour(1));
  CHECK(picture.at(3, 7) == label_colour(2));
  CHECK(picture.at(0, 0) == kBlack);
}

TEST_CASE("enlarging repeats pixels, and outlines on it stay thin") {
  const Scene scene{grid_of({4, 8, 12}),
                    {ramp_along_x()},
                    {{"cells", Regions::labels, volume_of<std::uint32_t>(two_boxes)}},
                    Tone::linear};
  const auto shown = render(scene, viewing(Sides::none, {120, 1600}));
  REQUIRE(shown.picture.width() == 120);
  REQUIRE(shown.picture.height() == 80);
  CHECK(shown.picture.at(0, 110) == shown.picture.at(9, 119));
  CHECK(shown.picture.at(25, 20) == label_colour(1));
  CHECK(shown.picture.at(25, 21) == label_colour(1));
  CHECK(shown.picture.at(25, 22) != label_colour(1));
  CHECK(shown.picture.at(25, 59) == label_colour(1));
  CHECK(shown.picture.at(25, 60) == label_colour(2));
}

TEST_CASE("the sides stand right and below, as deep as the volume is, in the image's contrast") {
  // A bright line along x in plane 3 of 4, where planes are 2.5 pixels apart.
  const auto line = volume_of<float>([](Index z, Index y, Index) { return z == 3 && y == 6 ? 9.0F : 0.0F; });
  const Scene scene{grid_of({4, 20, 30}, 2.5), {{"", line}}, {}, Tone::linear};
  const auto shown = render(scene, viewing(Sides::both));
  const Index right = 30 + shown.gap, below = 20 + shown.gap;
  REQUIRE(shown.picture.width() == right + 10);
  REQUIRE(shown.picture.height() == below + 10);
  CHECK(shown.picture.at(6, 12) == kWhite);
  CHECK(shown.picture.at(6, right + 6) == kBlack);
  CHECK(shown.picture.at(6, right + 8) == kWhite);
  CHECK(shown.picture.at(5, right + 8) == kBlack);
  CHECK(shown.picture.at(below + 8, 12) == kWhite);
  CHECK(shown.picture.at(below + 6, 12) == kBlack);
  CHECK(shown.picture.at(below + 5, right + 5) == kPage);
  CHECK(shown.picture.at(5, 31) == kPage);
}

TEST_CASE("the scale bar has the length that it says, in white, and stands clear of the border") {
  const auto black = volume_of<float>([](Index, Index, Index) { return 0.0F; });
  const Scene scene{grid_of({1, 150, 200}, 1, 0.13), {{"", black}}, {}, Tone::linear};
  const auto shown = render(scene, viewing(Sides::none, {1024, 1600}, ScaleBar::drawn));
  CHECK(shown.bar_um == 5);  // at most a quarter of 26 um
  CHECK(shown.bar_pixels == std::lround(5 / (0.13 / 6)));
  const auto white = [&](Index x) { return shown.picture.at(shown.bar_y, x) == kWhite; };
  CHECK_FALSE(white(shown.bar_x - 1));
  for (Index x = shown.bar_x; x < shown.bar_x + shown.bar_pixels; ++x) REQUIRE(white(x));
  CHECK_FALSE(white(shown.bar_x + shown.bar_pixels));
  CHECK(shown.bar_x + shown.bar_pixels < shown.picture.width() - 5);
  CHECK(shown.bar_y < shown.picture.height() - 5);
  Index lettered = 0;
  for (Index y = shown.bar_y - 30; y < shown.bar_y - 8; ++y)
    for (Index x = shown.bar_x; x < shown.bar_x + shown.bar_pixels; ++x) lettered += shown.picture.at(y, x) != kBlack;
  CHECK(lettered > 30);  // "5 µm"
}

TEST_CASE("a picture that is too small for a scale bar has none") {
  const Scene scene{grid_of({1, 8, 12}), {ramp_along_x()}, {}, Tone::linear};
  CHECK(render(scene, viewing(Sides::none, kSame, ScaleBar::drawn)).bar_pixels == 0);
}

TEST_CASE("a PSF shows what is a thousandth of its peak") {
  const auto tail = volume_of<float>([](Index, Index, Index x) { return x == 0 ? 1.0F : x == 1 ? 1e-3F : 0.0F; });
  Scene scene{grid_of({1, 1, 3}), {{"", tail}}, {}, Tone::logarithmic};
  const Raster picture = render(scene, viewing()).picture;
  CHECK(picture.at(0, 0) == heat_colour(1));
  CHECK(picture.at(0, 1) == heat_colour(0.25));
  CHECK(picture.at(0, 2) == kBlack);
}
