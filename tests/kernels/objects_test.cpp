#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "kernels/measure/objects/shape.hpp"
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
        "voxels\tmajor_axis\tmiddle_axis\tminor_axis\tmajor_z\tmajor_y\tmajor_x\tsurface_area\tsphericity\ttouches_"
        "border\t"
        "mean_c0\tmin_c0\tmax_c0\tsd_c0\tsum_c0\n");
}

TEST_CASE("without an intensity image size, place and shape are measured alone") {
  const Table table = measure({{{"labels", {some_labels()}}}, {}, {0, -1}});
  CHECK(table.columns().back().name == "touches_border");
}

TEST_CASE("sizes, places, means and axes are those of scikit-image's regionprops to 1e-6") {
  const Grid grid{.shape = {14, 16, 20}};
  const Volume labels = make_volume<std::uint32_t>(grid, [](Index z, Index y, Index x) {
    const Index form = 4 * (z - 5) * (z - 5) + 2 * (y - 6) * (y - 6) + (x - 8) * (x - 8) + (z - 5) * (x - 8);
    return form <= 40 && x + y >= 11 ? 1 : z + y + x > 38 ? 2 : 0;
  });
  const Volume image = make_volume<float>(grid, [](Index z, Index y, Index x) { return (3 * z + 5 * y + 7 * x) % 11; });
  const Table table = measure({{{"labels", {labels}}, {"intensity", {image}}}, {}, {0, -1}});
  // Of scikit-image 0.19.3: area, centroid, mean_intensity, axis_major_length, the middle one, axis_minor_length.
  const std::map<std::string, std::vector<double>> expected{
      {"volume", {316, 165}},
      {"anchor_z", {4.90506329114, 11}},
      {"anchor_y", {6.38291139241, 13}},
      {"anchor_x", {8.81012658228, 17}},
      {"mean_c0", {4.94936708861, 5}},
      {"major_axis", {11.8236359875, 9.79795897113}},
      {"middle_axis", {8.09101809133, 9.79795897113}},
      {"minor_axis", {6.53749040236, 4.89897948557}},
  };
  for (const auto& [column, values] : expected)
    for (std::size_t row = 0; row < 2; ++row) {
      CAPTURE(column);
      CHECK(numbers(table, column)[row] == doctest::Approx(values[row]).epsilon(1e-6));
    }
}

namespace {
// One ball or ellipsoid, its longest axis turned by `angle` from y towards x.
Volume solid(const Spacing3& spacing, const Point3& radius_um, double angle) {
  Grid grid{{}, spacing};
  const double reach = *std::max_element(radius_um.begin(), radius_um.end()) + 1;
  for (std::size_t i = 0; i < 3; ++i) grid.shape[i] = static_cast<Index>(2 * reach / spacing[i].value);
  return make_volume<std::uint32_t>(grid, [&](Index z, Index y, Index x) {
    Point3 d{};
    const Index3 at{z, y, x};
    for (std::size_t i = 0; i < 3; ++i)
      d[i] = static_cast<double>(at[i]) * spacing[i].value - reach + 0.3 * spacing[i].value;
    const double v = std::cos(angle) * d[kY] + std::sin(angle) * d[kX],
                 u = std::cos(angle) * d[kX] - std::sin(angle) * d[kY];
    const auto square = [](double a) { return a * a; };
    return square(d[kZ] / radius_um[kZ]) + square(v / radius_um[kY]) + square(u / radius_um[kX]) <= 1 ? 7 : 0;
  });
}
constexpr double kPi = 3.14159265358979;
}  // namespace

TEST_CASE("a ball is a ball: sphericity within 0.98 to 1.02, surface and axes, whatever the spacing") {
  for (const Spacing3& spacing : {Spacing3{{{0.5}, {0.5}, {0.5}}}, Spacing3{{{0.5}, {0.2}, {0.2}}},
                                  Spacing3{{{0.3}, {0.2}, {0.25}}}, Spacing3{{{1.0}, {0.36}, {0.36}}}})
    for (const double radius : {2.5, 4.0, 6.0}) {
      CAPTURE(radius);
      CAPTURE(spacing[kZ].value);
      const Table table = measure({{{"labels", {solid(spacing, {radius, radius, radius}, 0)}}}, {}, {0, -1}});
      CHECK(numbers(table, "sphericity")[0] > 0.98);
      CHECK(numbers(table, "sphericity")[0] < 1.02);
      CHECK(numbers(table, "surface_area")[0] == doctest::Approx(4 * kPi * radius * radius).epsilon(0.025));
      for (const char* axis : {"major_axis", "middle_axis", "minor_axis"})
        CHECK(numbers(table, axis)[0] == doctest::Approx(2 * radius).epsilon(0.02));
    }
}

TEST_CASE("an ellipsoid has the lengths and the direction that it was given") {
  const Table table = measure({{{"labels", {solid({{{0.4}, {0.2}, {0.2}}}, {2.5, 5.0, 3.5}, 0.5)}}}, {}, {0, -1}});
  CHECK(numbers(table, "major_axis")[0] == doctest::Approx(10).epsilon(0.01));
  CHECK(numbers(table, "middle_axis")[0] == doctest::Approx(7).epsilon(0.01));
  CHECK(numbers(table, "minor_axis")[0] == doctest::Approx(5).epsilon(0.01));
  CHECK(std::abs(numbers(table, "major_z")[0]) < 0.01);
  CHECK(numbers(table, "major_y")[0] == doctest::Approx(std::cos(0.5)).epsilon(0.01));
  CHECK(numbers(table, "major_x")[0] == doctest::Approx(std::sin(0.5)).epsilon(0.02));
  CHECK(numbers(table, "sphericity")[0] < 0.96);
}

TEST_CASE("an object that is cut in blocks has the shape of the whole") {
  const Volume ball = solid({{{0.5}, {0.3}, {0.3}}}, {3, 3, 3}, 0);
  const KernelInputs inputs{{{"labels", {ball}}}, {}, {0, -1}};
  const std::string whole = measure(inputs).to_tsv();
  for (const Index3 core : {Index3{5, 7, 6}, Index3{1, 1, 1}}) CHECK(measure(inputs, core).to_tsv() == whole);
}

TEST_CASE("a box has the surface that the crossings of its 13 directions give, closed at the volume's faces") {
  const Grid grid{{3, 4, 5}, {{{0.5}, {0.2}, {0.3}}}};
  const Volume all = make_volume<std::uint32_t>(grid, [](Index, Index, Index) { return 1; });
  objects::Crossings crossings{};
  for (std::size_t k = 0; k < crossings.size(); ++k) {
    std::int64_t inside = 1;
    for (std::size_t i = 0; i < 3; ++i) inside *= grid.shape[i] - std::abs(objects::kDirections[k][i]);
    crossings[k] = 2 * (count(grid.shape) - inside);
  }
  const objects::Crofton crofton(grid.spacing);
  const Table table = measure({{{"labels", {all}}}, {}, {0, -1}});
  CHECK(numbers(table, "surface_area")[0] == doctest::Approx(crofton.surface_um2(crossings)).epsilon(1e-12));
}

TEST_CASE("each of the 13 directions stands for the part of the sphere nearest to it") {
  const auto isotropic = objects::Crofton({{{0.7}, {0.7}, {0.7}}}).weights();
  for (std::size_t k = 0; k < 13; ++k) {
    const auto& d = objects::kDirections[k];
    const Index steps = std::abs(d[0]) + std::abs(d[1]) + std::abs(d[2]);
    // Legland, Kieu and Devaux 2007, of whole spheres: twice.
    const double expected = steps == 1 ? 0.04577789120476 : steps == 2 ? 0.03698062787608 : 0.03519563978232;
    CHECK(isotropic[k] == doctest::Approx(2 * expected).epsilon(1e-9));
  }
  for (const double z : {0.1, 1.0, 3.0, 20.0}) {
    const auto weights = objects::Crofton({{{z}, {1.0}, {0.8}}}).weights();
    double sum = 0;
    for (const double w : weights) sum += w;
    CHECK(sum == doctest::Approx(1).epsilon(1e-9));
  }
}

TEST_CASE("objects that reach a face of the volume are marked; the z faces of a single plane are none") {
  const auto marked = [](const Grid& grid, const Index3& at) {
    const Volume v = make_volume<std::uint32_t>(grid, [&](Index z, Index y, Index x) {
      return Index3{z, y, x} == at ? 1 : 0;
    });
    return std::get<std::vector<std::int64_t>>(
        measure({{{"labels", {v}}}, {}, {0, -1}}).column("touches_border").values)[0];
  };
  CHECK(marked({{5, 5, 5}, {}}, {2, 2, 2}) == 0);
  CHECK(marked({{5, 5, 5}, {}}, {0, 2, 2}) == 1);
  CHECK(marked({{5, 5, 5}, {}}, {2, 4, 2}) == 1);
  CHECK(marked({{5, 5, 5}, {}}, {2, 2, 4}) == 1);
  CHECK(marked({{1, 5, 5}, {}}, {0, 2, 2}) == 0);
  CHECK(marked({{1, 5, 5}, {}}, {0, 2, 0}) == 1);
}

TEST_CASE("in a single plane the axes are those of the ellipse") {
  const Grid plane{{1, 61, 61}, {{{0.5}, {0.2}, {0.2}}}};
  const Volume disc = make_volume<std::uint32_t>(
      plane, [](Index, Index y, Index x) { return (y - 30) * (y - 30) * 4 + (x - 30) * (x - 30) <= 400 ? 1 : 0; });
  const Table table = measure({{{"labels", {disc}}}, {}, {0, -1}});
  CHECK(numbers(table, "major_axis")[0] == doctest::Approx(8.0).epsilon(0.02));
  CHECK(numbers(table, "middle_axis")[0] == doctest::Approx(4.0).epsilon(0.02));
  CHECK(numbers(table, "minor_axis")[0] == 0);
}

TEST_CASE("a single voxel and a flat object have axes of length 0 where they have no extent") {
  const Grid grid{.shape = {3, 9, 9}};
  const Volume flat = make_volume<std::uint32_t>(grid, [](Index z, Index y, Index x) {
    return z == 1 && y > 1 && y < 7 && x > 3 && x < 6 ? 1 : z == 2 && y == 8 && x == 8 ? 2 : 0;
  });
  const Table table = measure({{{"labels", {flat}}}, {}, {0, -1}});
  CHECK(numbers(table, "major_axis")[0] == doctest::Approx(2 * std::sqrt(5 * 2.0)));
  CHECK(numbers(table, "middle_axis")[0] == doctest::Approx(2 * std::sqrt(5 * 0.25)));
  CHECK(numbers(table, "minor_axis") == std::vector<double>{0, 0});
  CHECK(numbers(table, "major_axis")[1] == 0);
}

TEST_CASE("inputs that do not lie on one grid, and labels of several channels, are refused") {
  const Volume small = make_volume<float>({{8, 15, 20}, {}}, [](Index, Index, Index) { return 1.0F; });
  CHECK_THROWS_WITH_AS(
      measure({{{"labels", {some_labels()}}, {"intensity", {small}}}, {}, {0, -1}}),
      "labels have 8 x 15 x 22 voxels (z, y, x), the intensity image 8 x 15 x 20; measure them on one grid", UserError);
  CHECK_THROWS_WITH_AS(measure({{{"labels", {some_labels(), some_labels()}}}, {}, {0, -1}}),
                       "labels have 2 channels; narrow the step to one with 'channels:'", UserError);
}
