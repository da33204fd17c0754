// Label images as ROI archives: ImageJ's own decoder fills exactly the pixels of the labels.
#include "pipeline/interop/label_export.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstring>

#include <fmt/format.h>

#include "pipeline/core/files.hpp"
#include "tests/interop/label_samples.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/oracles.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace {
std::uint32_t mixed(Index a) {
  auto v = static_cast<std::uint32_t>(a) * 2654435761U;
  v ^= v >> 15;
  return v * 2246822519U >> 16;
}

/// What ImageJ says of the labels' regions; it fills the same voxels, or `differences` counts those that it does not.
struct Refilled {
  std::optional<std::string> said;
  std::size_t differences = 0;
};

Refilled refill(const record::ImageInfo& info, const LabelAt& label) {
  const TestFolder folder;
  write_labels(folder / "data.h5", info, label);
  export_rois(folder / "data.h5", folder / "rois.zip", Existing::refuse);
  const auto number = [](Index n) { return std::to_string(n); };
  const Index3& n = info.grid.shape;
  Refilled r;
  r.said = java_says(project_folder() / "tests/interop/FillRois.java",
                     {(folder / "rois.zip").string(), (folder / "raw").string(), number(n[kX]), number(n[kY]),
                      number(n[kZ]), number(info.timepoints), number(info.channel_count())});
  if (!r.said) return r;
  INFO(*r.said);
  const auto expected = label_voxels(info, label);
  std::vector<std::uint32_t> filled(expected.size());
  const std::string raw = read_file(folder / "raw");
  REQUIRE(raw.size() == 4 * filled.size());
  std::memcpy(filled.data(), raw.data(), raw.size());
  for (std::size_t i = 0; i < filled.size(); ++i) r.differences += filled[i] != expected[i] ? 1 : 0;
  return r;
}

void check_refilled(const record::ImageInfo& info, const LabelAt& label, const std::string& said) {
  const Refilled r = refill(info, label);
  if (!r.said) return;
  CHECK(*r.said == said);
  CHECK(r.differences == 0);
}
}  // namespace

TEST_CASE("objects that touch each other and every border of the image") {
  check_refilled(
      labels_of({1, 40, 50}),
      [](int, int, Index, Index y, Index x) { return static_cast<std::uint32_t>(1 + y / 14 * 4 + (x + y / 3) / 16); },
      "12 regions, 12 traced, 0 composite, 0 overlaps\n");
}

TEST_CASE("an object with a hole, and another inside of the hole") {
  check_refilled(
      labels_of({1, 30, 30}),
      [](int, int, Index, Index y, Index x) -> std::uint32_t {
        const Index ring = std::max(std::abs(y - 15), std::abs(x - 14));
        return ring > 12 ? 0 : ring > 7 ? 300 : ring > 3 ? 0 : 7;
      },
      "2 regions, 1 traced, 1 composite, 0 overlaps\n");
}

TEST_CASE("an object of several parts, some of which touch at a corner only") {
  check_refilled(
      labels_of({1, 12, 12}),
      [](int, int, Index, Index y, Index x) -> std::uint32_t { return (x / 3 + y / 3) % 2 == 0 ? 5 : 0; },
      "1 regions, 0 traced, 1 composite, 0 overlaps\n");
}

TEST_CASE("noise, in which every kind of corner, hole and part comes up") {
  constexpr std::array<std::uint32_t, 3> kLabels{2, 3, 9};
  const Refilled r = refill(labels_of({3, 70, 90}), [&](int, int, Index z, Index y, Index x) {
    return mixed(y * 90 + x) % kLabels[static_cast<std::size_t>(z)];
  });
  CHECK(r.differences == 0);
}

TEST_CASE("an outline of more than 65,535 corners, in one piece and without a hole") {
  // A comb: 17,000 teeth of a pixel's width, of four corners each.
  check_refilled(
      labels_of({1, 3, 34'001}),
      [](int, int, Index, Index y, Index x) -> std::uint32_t { return y == 2 || x % 2 == 0 ? 1 : 0; },
      "1 regions, 0 traced, 1 composite, 0 overlaps\n");
}

TEST_CASE("coordinates beyond what 16 bits hold") {
  check_refilled(
      labels_of({1, 4, 70'000}),
      [](int, int, Index, Index y, Index x) -> std::uint32_t {
        return x > 69'000 ? 2 : x > 32'700 && x < 32'800 && y > 1 ? 1 : 0;
      },
      "2 regions, 0 traced, 2 composite, 0 overlaps\n");
}

TEST_CASE("slices, timepoints and channels, each alone and together") {
  const LabelAt label = [](int t, int c, Index z, Index y, Index x) -> std::uint32_t {
    const Index from = 2 + t + 2 * c + 3 * z;
    return y >= from && y < from + 5 && x >= from - t && x < from + 9 ? 1 + static_cast<std::uint32_t>(c) : 0;
  };
  check_refilled(labels_of({4, 30, 40}), label, "4 regions, 4 traced, 0 composite, 0 overlaps\n");
  check_refilled(labels_of({1, 30, 40}, 3), label, "3 regions, 3 traced, 0 composite, 0 overlaps\n");
  check_refilled(labels_of({1, 30, 40}, 1, 2), label, "2 regions, 2 traced, 0 composite, 0 overlaps\n");
  check_refilled(labels_of({4, 30, 40}, 3, 2), label, "24 regions, 24 traced, 0 composite, 0 overlaps\n");
}

TEST_CASE("a 3-D object is a region a slice, of one name stem, one group and one property") {
  const TestFolder folder;
  write_labels(folder / "data.h5", labels_of({2, 8, 8}),
               [](int, int, Index, Index y, Index) { return y < 4 ? 256U : 0; });
  std::vector<std::string> names;
  std::vector<int> groups;
  std::vector<std::uint32_t> labels;
  for_each_label_roi(folder / "data.h5", [&](const std::string& name, const Bytes8& bytes) {
    const Roi roi = decode_roi({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    names.push_back(name);
    CHECK(roi.name == name);
    groups.push_back(roi.group);
    labels.push_back(*roi.label);
  });
  CHECK(names == std::vector<std::string>{"label256_z1", "label256_z2"});
  CHECK(groups == std::vector<int>{1, 1});
  CHECK(labels == std::vector<std::uint32_t>{256, 256});
}

TEST_CASE("equal labels give equal bytes, and images that hold no labels are refused") {
  const TestFolder folder;
  auto info = labels_of({1, 8, 8});
  write_labels(folder / "data.h5", info, [](int, int, Index, Index y, Index) { return y < 4 ? 1U : 0; });
  CHECK(export_rois(folder / "data.h5", folder / "a.zip", Existing::refuse) == 1);
  CHECK(export_rois(folder / "data.h5", folder / "b.zip", Existing::refuse) == 1);
  CHECK(read_file(folder / "a.zip") == read_file(folder / "b.zip"));
  info.kind = record::ImageKind::intensity;
  write_labels(folder / "image.h5", info, [](int, int, Index, Index, Index) { return 1U; });
  CHECK(message_of<UserError>([&] { export_rois(folder / "image.h5", folder / "c.zip", Existing::refuse); }) ==
        "its voxels are of kind 'image', and only those of kind 'labels' or 'mask' have outlines");
  CHECK_FALSE(std::filesystem::exists(folder / "c.zip"));
}
