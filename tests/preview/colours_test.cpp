// Colours that can be told apart.
#include "pipeline/preview/colours.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <tuple>

using namespace voxflow::preview;

namespace {
double luminance(Rgb c) {
  return 0.2126 * c.red + 0.7152 * c.green + 0.0722 * c.blue;  // ITU-R BT.709
}
}  // namespace

TEST_CASE("channels are grey alone, green and magenta in pairs, and never more than four") {
  CHECK(channel_colours(1) == std::vector<Rgb>{{255, 255, 255}});
  CHECK(channel_colours(2) == std::vector<Rgb>{{0, 255, 0}, {255, 0, 255}});
  CHECK(channel_colours(3).size() == 3);
  CHECK(channel_colours(4).size() == kMostChannels);
}

TEST_CASE("the background is black; labels are bright and unlike their neighbours in number") {
  CHECK(label_colour(0) == Rgb{});
  std::set<std::tuple<int, int, int>> seen;
  for (std::uint32_t label = 1; label <= 300; ++label) {
    const Rgb colour = label_colour(label), next = label_colour(label + 1);
    CHECK(luminance(colour) > 104);
    CHECK(std::abs(colour.red - next.red) + std::abs(colour.green - next.green) + std::abs(colour.blue - next.blue) >
          120);
    seen.emplace(colour.red, colour.green, colour.blue);
  }
  CHECK(seen.size() > 250);
}

TEST_CASE("heat gets lighter all the way") {
  CHECK(heat_colour(0) == Rgb{});
  double before = -1;
  for (int i = 0; i <= 100; ++i) {
    const double now = luminance(heat_colour(i / 100.0));
    CHECK(now >= before - 0.5);
    before = now;
  }
  CHECK(before > 240);
}
