// Regions drawn in ImageJ: what they cover here is what ImageJ fills; what is no area is refused.
#include "pipeline/interop/roi.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/interop/roi_zip.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/oracles.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace {
constexpr Index kHeight = 47, kWidth = 53;

std::string filled(const Roi& roi) {
  std::string plane(kHeight * kWidth, '\0');
  for (const RoiSpan& s : covered(roi, kHeight, kWidth))
    for (Index x = s.begin; x < s.end; ++x) plane[static_cast<std::size_t>(s.y * kWidth + x)] = '\xff';
  return plane;
}

/// A square with the corners (2, 3) and (5, 7), of a type.
std::string square(char type) {
  const Outline o{1, {2, 3}, {5, 7}, {{{2, 3}, {5, 3}, {5, 7}, {2, 7}}}};
  const Bytes8 bytes = encode_roi(o, "square", {});
  std::string text(bytes.begin(), bytes.end());
  text[6] = type;
  return text;
}

std::string refusal(const std::string& bytes) {
  return message_of<UserError>([&] { decode_roi(bytes); });
}
}  // namespace

TEST_CASE("rectangles, ovals, ellipses, polygons and composites drawn in ImageJ cover the pixels that ImageJ fills") {
  const TestFolder folder;
  const auto zip = folder / "rois.zip", raw = folder / "raw";
  const auto said = java_says(project_folder() / "tests/interop/DrawRois.java",
                              {zip.string(), raw.string(), std::to_string(kWidth), std::to_string(kHeight)});
  if (!said) return;
  INFO(*said);
  const std::string expected = read_file(raw);
  std::size_t n = 0;
  for_each_roi(zip, [&](const std::string& name, std::string_view bytes) {
    CAPTURE(name);
    const Roi roi = decode_roi(bytes);
    CHECK(roi.place.position == static_cast<int>(n + 1));
    const std::string plane = filled(roi), wanted = expected.substr(n++ * plane.size(), plane.size());
    std::size_t differences = 0;
    for (std::size_t i = 0; i < plane.size(); ++i) differences += plane[i] != wanted[i] ? 1 : 0;
    CHECK(differences == 0);
  });
  CHECK(n == 211);
}

TEST_CASE("what is no area, or no ROI, is refused with what to do") {
  const std::string areas =
      ", and only rectangles, ovals, ellipses, polygons, freehand and composite areas become labels; in ImageJ: Edit > "
      "Selection "
      "> "
      "Create Mask, then Create Selection, and add that";
  CHECK(refusal(square(5)) == "it is a line" + areas);
  CHECK(refusal(square(9)) == "it is an angle" + areas);
  CHECK(refusal(square(10)) == "it is points" + areas);
  CHECK(refusal(square(11)) == "it is of an unknown type" + areas);
  std::string special = square(7);
  special[49] = 3;
  CHECK(refusal(special) == "it is an ellipse or a turned rectangle without its fine outline" + areas);
  special[49] = 4;
  CHECK(refusal(special) == "it is an image" + areas);
  special[49] = 1;
  CHECK(refusal(special) == "it is text" + areas);
  special[49] = 0;
  special[51] = 1;
  CHECK(refusal(special) == "it is a polygon with a fitted spline" + areas);
  std::string round = square(1);
  round[55] = 10;
  CHECK(refusal(round) == "it is a rectangle with round corners" + areas);
  CHECK(refusal("PK") == "it is no ImageJ ROI: it does not begin with 'Iout'");
  CHECK(refusal(square(8).substr(0, 70)) == "it is cut short: 70 bytes are not all of it");
  CHECK(refusal(square(8).substr(0, 40)) == "it is cut short: 40 bytes are not all of it");
}

TEST_CASE("a damaged composite is refused") {
  std::string hole = square(1);
  hole[39] = 3;
  hole[64] = '\x7f', hole[65] = '\xc0';  // no number instead of a segment's kind
  CHECK(refusal(hole) == "its outline is damaged");
}

TEST_CASE("labels come back from the property, whatever it holds beside") {
  const Outline o{4'000'000'000, {0, 0}, {1, 1}, {{{0, 0}, {1, 0}, {1, 1}, {0, 1}}}};
  const Bytes8 bytes = encode_roi(o, "Zelle µ 𝛼", {2, 3, 4, 0});
  const Roi roi = decode_roi({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  CHECK(roi.label == 4'000'000'000);
  CHECK(roi.name == "Zelle µ 𝛼");
  CHECK(roi.place.c == 2);
  CHECK(roi.place.z == 3);
  CHECK(roi.place.t == 4);
  std::string wrong(bytes.begin(), bytes.end());
  const auto digits = wrong.find(std::string("\0004", 2), wrong.size() - 24);
  REQUIRE(digits != std::string::npos);
  wrong[digits + 1] = '-';
  CHECK(refusal(wrong) == "its property 'label' is '-000000000'; labels are whole numbers from 1 to 4294967295");
}

TEST_CASE("a file that is neither a ROI nor an archive of them is told as that") {
  const TestFolder folder;
  const auto nothing = [](const std::string&, std::string_view) {};
  write_file_atomically(folder / "rois.zip", "no archive");
  CHECK(
      message_of<UserError>([&] { for_each_roi(folder / "rois.zip", nothing); }) ==
      "'" + (folder / "rois.zip").string() +
          "' is neither a .roi file nor a ZIP archive of such files, as ImageJ's ROI Manager saves them (More > Save)");
  CHECK(message_of<UserError>([&] { for_each_roi(folder / "none.zip", nothing); }) ==
        "there is no file '" + (folder / "none.zip").string() + "'");
}
