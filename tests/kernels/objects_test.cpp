#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "pipeline/core/error.hpp"
#include "tests/kernels/block_runner.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

const Grid kGrid{{8, 15, 22}, {{{0.5}, {0.25}, {0.125}}}};

Volume some_labels() {
  return make_volume<std::uint32_t>(kGrid, [](Index z, Index y, Index x) {
    return (x + y) % 5 == 0 ? 0 : 70000 - 3 * (z / 3) - 7 * (y / 6) - x / 10;
  });
}

Volume intensities(std::uint32_t seed, float scale) {
  std::mt19937 random(seed);
  return make_volume<float>(kGrid,
                            [&](Index, Index, Index) { return scale * (static_cast<float>(random()) / 1e9F - 1.0F); });
}

Table measure(const KernelInputs& inputs, const Index3& core = {0, 0, 0}) {
  return std::get<Table>(run_blocks(shipped_kernel("measure.objects"), {}, inputs, "labels", core).small.at("objects"));
}

const std::vector<double>& numbers(const Table& table, std::string_view column) {
  return std::get<std::vector<double>>(table.column(column).values);
}

// The voxels of every label, gathered one by one.
struct SlowObject {
  std::vector<std::array<double, 3>> places;
  std::vector<double> values;
};
std::map<std::uint32_t, SlowObject> slow_objects(const Volume& labels, const Volume& image) {
  std::map<std::uint32_t, SlowObject> found;
  std::size_t i = 0;
  for (Index z = 0; z < kGrid.shape[kZ]; ++z)
    for (Index y = 0; y < kGrid.shape[kY]; ++y)
      for (Index x = 0; x < kGrid.shape[kX]; ++x, ++i)
        if (const auto label = labels.as<std::uint32_t>()[i]; label != 0) {
          found[label].places.push_back({static_cast<double>(z), static_cast<double>(y), static_cast<double>(x)});
          found[label].values.push_back(image.as()[i]);
        }
  return found;
}
}  // namespace

TEST_CASE("every label gets one row with its size, place and intensities") {
  const Volume labels = some_labels(), image = intensities(1, 100.0F);
  const auto expected = slow_objects(labels, image);
  const Table table = measure({{{"labels", {labels}}, {"intensity", {intensities(2, 1.0F), image}}}, {}, {0, -1}});
  REQUIRE(table.rows() == expected.size());
  std::size_t row = 0;
  for (const auto& [label, object] : expected) {
    CHECK(std::get<std::vector<std::int64_t>>(table.column("label_id").values)[row] == label);
    const auto n = object.values.size();
    CHECK(std::get<std::vector<std::int64_t>>(table.column("voxels").values)[row] == static_cast<std::int64_t>(n));
    CHECK(numbers(table, "volume")[row] == static_cast<double>(n) * 0.5 * 0.25 * 0.125);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      double sum = 0, low = 1e9, high = -1;
      for (const auto& p : object.places) sum += p[axis], low = std::min(low, p[axis]), high = std::max(high, p[axis]);
      const double um = kGrid.spacing[axis].value;
      const std::string name(1, "zyx"[axis]);
      CHECK(numbers(table, "anchor_" + name)[row] == doctest::Approx(sum / static_cast<double>(n) * um).epsilon(1e-12));
      CHECK(numbers(table, "bb_min_" + name)[row] == low * um);
      CHECK(numbers(table, "bb_max_" + name)[row] == (high + 1) * um);
    }
    double sum = 0, squares = 0;
    for (const double v : object.values) sum += v;
    const double mean = sum / static_cast<double>(n);
    for (const double v : object.values) squares += (v - mean) * (v - mean);
    CHECK(numbers(table, "sum_c1")[row] == doctest::Approx(sum).epsilon(1e-12));
    CHECK(numbers(table, "mean_c1")[row] == doctest::Approx(mean).epsilon(1e-12));
    CHECK(numbers(table, "sd_c1")[row] == doctest::Approx(std::sqrt(squares / static_cast<double>(n))).epsilon(1e-9));
    CHECK(numbers(table, "min_c1")[row] == *std::min_element(object.values.begin(), object.values.end()));
    CHECK(numbers(table, "max_c1")[row] == *std::max_element(object.values.begin(), object.values.end()));
    ++row;
  }
}

TEST_CASE("the table of blocks is that of the whole, even for intensities that doubles cannot add exactly") {
  std::mt19937 random(5);
  const Volume wild = make_volume<float>(kGrid, [&](Index, Index, Index) {
    return std::ldexp(static_cast<float>(random()) - 2e9F, static_cast<int>(random() % 180) - 90);
  });
  const KernelInputs inputs{{{"labels", {some_labels()}}, {"intensity", {wild}}}, {}, {0, -1}};
  const Digest whole = measure(inputs).content_digest();
  for (const Index3 core : {Index3{1, 1, 1}, Index3{3, 4, 5}, Index3{8, 15, 1}})
    CHECK(measure(inputs, core).content_digest() == whole);
}

TEST_CASE("sums are exact where a large value hides small ones") {
  const Grid row{{1, 1, 6}, {}};
  const Volume labels = make_volume<std::uint32_t>(row, [](Index, Index, Index) { return 1; });
  const std::vector<float> voxels{3e38F, 1.0F, -3e38F, 1e-45F, -1e-45F, -0.25F};
  const Table table = measure({{{"labels", {labels}}, {"intensity", {{row, voxels}}}}, {}, {0, -1}});
  CHECK(numbers(table, "sum_c0")[0] == 0.75);
}

TEST_CASE("NaN and infinite voxels are left out of intensities, not of sizes") {
  const Grid row{{1, 1, 5}, {}};
  const Volume labels{row, std::vector<std::uint32_t>{1, 1, 1, 2, 2}};
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  const Table table =
      measure({{{"labels", {labels}}, {"intensity", {{row, std::vector{2.0F, kNan, 4.0F, kNan, kInf}}}}}, {}, {0, -1}});
  CHECK(std::get<std::vector<std::int64_t>>(table.column("voxels").values) == std::vector<std::int64_t>{3, 2});
  CHECK(numbers(table, "mean_c0")[0] == 3.0);
  CHECK(numbers(table, "sd_c0")[0] == 1.0);
  CHECK(std::isnan(numbers(table, "mean_c0")[1]));
}

TEST_CASE("without labels the table has its columns and no rows") {
  const Volume none = make_volume<std::uint32_t>(kGrid, [](Index, Index, Index) { return 0; });
  const Table table = measure({{{"labels", {none}}, {"intensity", {intensities(1, 1)}}}, {}, {0, -1}});
  CHECK(table.to_tsv() ==
        "label_id\tanchor_z\tanchor_y\tanchor_x\tbb_min_z\tbb_min_y\tbb_min_x\tbb_max_z\tbb_max_y\tbb_max_x\tvolume\t"
        "voxels\tmean_c0\tmin_c0\tmax_c0\tsd_c0\tsum_c0\n");
}

TEST_CASE("without an intensity image sizes and places are measured alone") {
  const Table table = measure({{{"labels", {some_labels()}}}, {}, {0, -1}});
  CHECK(table.columns().back().name == "voxels");
}

TEST_CASE("inputs that do not lie on one grid, and labels of several channels, are refused") {
  const Volume small = make_volume<float>({{8, 15, 20}, {}}, [](Index, Index, Index) { return 1.0F; });
  CHECK_THROWS_WITH_AS(
      measure({{{"labels", {some_labels()}}, {"intensity", {small}}}, {}, {0, -1}}),
      "labels have 8 x 15 x 22 voxels (z, y, x), the intensity image 8 x 15 x 20; measure them on one grid", UserError);
  CHECK_THROWS_WITH_AS(measure({{{"labels", {some_labels(), some_labels()}}}, {}, {0, -1}}),
                       "labels have 2 channels; narrow the step to one with 'channels:'", UserError);
}
