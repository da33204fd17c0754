// Where a contact sheet has what.
#include "pipeline/preview/sheet.hpp"

#include <doctest/doctest.h>

#include "pipeline/preview/colours.hpp"

using namespace voxflow;
using namespace voxflow::preview;

namespace {
constexpr Rgb kA{200, 10, 10}, kB{10, 200, 10};

Sheet two_by_three() {
  Sheet sheet{
      "first_look", "run 1", {{"original", ""}, {"denoise", "denoise.median"}, {"measure", "measure.objects"}}, {}};
  sheet.rows.push_back({"nuclei_1",
                        {{SheetCell::State::shown, Raster(200, 300, kA), {{"note", kWhite}}, ""},
                         {SheetCell::State::shown, Raster(150, 180, kB), {}, ""},
                         {SheetCell::State::plain, {}, {}, "table, 27 rows"}}});
  sheet.rows.push_back({"nuclei_2",
                        {{SheetCell::State::shown, Raster(130, 150, kA), {{"note", kWhite}}, ""},
                         {SheetCell::State::failed, {}, {}, "failed: out_of_memory"},
                         {SheetCell::State::missing, {}, {}, "skipped"}}});
  return sheet;
}

bool red(Rgb c) {
  return c.red > c.green + 20 && c.red > c.blue + 20;
}
}  // namespace

TEST_CASE("columns are as wide as their widest thumbnail, rows as high as their highest, and none overlap") {
  const SheetLayout at = layout(two_by_three());
  CHECK(at.widths == std::vector<Index>{300, 180, 120});
  CHECK(at.heights == std::vector<Index>{200, 130});
  CHECK(at.x[0] >= at.names_width);
  for (std::size_t c = 1; c < 3; ++c) CHECK(at.x[c] > at.x[c - 1] + at.widths[c - 1]);
  CHECK(at.y[1] > at.y[0] + at.heights[0]);
  CHECK(at.width > at.x[2] + at.widths[2]);
  CHECK(at.height > at.y[1] + at.heights[1]);
}

TEST_CASE("thumbnails stand in their cells") {
  const Sheet sheet = two_by_three();
  const SheetLayout at = layout(sheet);
  const Raster picture = draw(sheet);
  CHECK(picture.width() == at.width);
  CHECK(picture.height() == at.height);
  CHECK(picture.at(at.y[0], at.x[0]) == kA);
  CHECK(picture.at(at.y[0] + 199, at.x[0] + 299) == kA);
  CHECK(picture.at(at.y[0], at.x[1]) == kB);
  CHECK(picture.at(at.y[0] + 150, at.x[1] + 170) != kB);
  CHECK(picture.at(at.y[1] + 129, at.x[0] + 149) == kA);
  Index lettered = 0;
  for (Index y = at.y[0] + 200; y < at.y[1]; ++y)
    for (Index x = at.x[0]; x < at.x[0] + 300; ++x) lettered += picture.at(y, x) != kPage;
  CHECK(lettered > 50);
}

TEST_CASE("a failed task is marked in red; one that is missing or has no picture is not") {
  const Sheet sheet = two_by_three();
  const SheetLayout at = layout(sheet);
  const Raster picture = draw(sheet);
  CHECK(red(picture.at(at.y[1] + 10, at.x[1] + 10)));
  CHECK_FALSE(red(picture.at(at.y[1] + 10, at.x[2] + 10)));
  CHECK_FALSE(red(picture.at(at.y[0] + 10, at.x[2] + 10)));
  CHECK(picture.at(at.y[1], at.x[2]) != picture.at(at.y[1] + 2, at.x[2] + 2));  // its frame
  CHECK(picture.at(at.y[0], at.x[2]) == picture.at(at.y[0] + 2, at.x[2] + 2));
}
