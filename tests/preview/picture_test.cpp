// Captions, text, and the file that comes out.
#include "pipeline/preview/picture.hpp"

#include <doctest/doctest.h>

#include "pipeline/preview/colours.hpp"
#include "pipeline/preview/png.hpp"
#include "pipeline/preview/text.hpp"
#include "tests/preview/read_png.hpp"

using namespace voxflow;
using namespace voxflow::preview;
using namespace voxflow::test;

namespace {
Index count_of(const Raster& picture, Rgb colour) {
  Index n = 0;
  for (Index y = 0; y < picture.height(); ++y)
    for (Index x = 0; x < picture.width(); ++x) n += picture.at(y, x) == colour;
  return n;
}
}  // namespace

TEST_CASE("a PNG read back is the picture, and its texts are inside") {
  Raster picture(37, 53);
  for (Index y = 0; y < 37; ++y)
    for (Index x = 0; x < 53; ++x)
      picture.at(y, x) = {static_cast<std::uint8_t>(7 * x), static_cast<std::uint8_t>(y * y),
                          static_cast<std::uint8_t>(x * y)};
  const std::string bytes = encode_png(picture, {{"Title", "5 \u00b5m beads"}});
  CHECK(bytes.find("5 \u00b5m beads") != std::string::npos);
  CHECK(encode_png(picture, {{"Title", "5 \u00b5m beads"}}) == bytes);
  const Raster back = read_png(bytes);
  REQUIRE(back.height() == 37);
  REQUIRE(back.width() == 53);
  for (Index y = 0; y < 37; ++y)
    for (Index x = 0; x < 53; ++x) REQUIRE(back.at(y, x) == picture.at(y, x));
}

TEST_CASE("text is drawn in its colour within the width that it said") {
  const Pen pen(16);
  const Index wide = pen.width("nuclei 5 \u00b5m");
  CHECK(wide > 60);
  CHECK(wide < 140);
  Raster picture(40, 300);
  CHECK(pen.write(picture, 5, 10, "nuclei 5 \u00b5m", {255, 0, 0}) == 10 + wide);
  CHECK(count_of(picture, {255, 0, 0}) > 15);  // the strokes' insides; their edges are softer
  for (Index y = 0; y < 40; ++y)
    for (Index x = 0; x < 300; ++x)
      if (picture.at(y, x) != Rgb{}) {
        CHECK(x >= 9);
        CHECK(x <= 11 + wide);
        CHECK(y >= 5);
        CHECK(y < 5 + pen.line_height());
      }
}

TEST_CASE("text that is too long loses its middle, between letters") {
  const Pen pen(14);
  CHECK(pen.fitted("short", 200) == "short");
  const std::string fitted =
      pen.fitted("nuclei_\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc_first_look/components", 120);
  CHECK(pen.width(fitted) <= 120);
  CHECK(fitted.starts_with("nuc"));
  CHECK(fitted.ends_with("nts"));
  CHECK(fitted.find("\u2026") != std::string::npos);
  CHECK(pen.fitted("anything", 1) == "\u2026");
}

TEST_CASE("bytes that are no UTF-8 do no harm") {
  const Pen pen(14);
  Raster picture(30, 200);
  CHECK(pen.write(picture, 2, 2, "a\xff\xc3", kText) > 2);
}

TEST_CASE("a page holds the rendering as it is, and names channels in their colours") {
  Rendering rendering;
  rendering.picture = Raster(100, 600, {1, 2, 3});
  rendering.channels = {{"DAPI", {0, 255, 0}, {103, 1840.25}}, {"LaminB1", {255, 0, 255}, {90, 400}}};
  CHECK(contrast_text(rendering.channels[0]) == "DAPI 103 to 1840");
  CHECK(contrast_text({"", {}, {0.01234, 65535}}) == "0.0123 to 65535");
  const Page page = captioned(rendering, {"nuclei_1", {"maximum of 32 planes"}});
  for (Index y = 0; y < 100; ++y)
    for (Index x = 0; x < 600; ++x) REQUIRE(page.picture.at(page.y + y, page.x + x) == Rgb{1, 2, 3});
  CHECK(count_of(page.picture, {1, 2, 3}) == 100 * 600);
  CHECK(count_of(page.picture, {0, 255, 0}) > 20);
  CHECK(count_of(page.picture, {255, 0, 255}) > 20);
  CHECK(count_of(page.picture, kText) > 20);
}

TEST_CASE("a small picture gets a page that is wide enough for words; notes flow over lines") {
  Rendering rendering;
  rendering.picture = Raster(20, 30);
  const std::string note = "a note of some length";
  const Page one = captioned(rendering, {"title", {note}});
  const Page many = captioned(rendering, {"title", std::vector<std::string>(9, note)});
  CHECK(one.picture.width() >= 440);
  CHECK(many.picture.width() == one.picture.width());
  CHECK(many.picture.height() > one.picture.height());
}
