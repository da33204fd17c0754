#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "pipeline/phantom/random.hpp"
#include "pipeline/phantom/scene.hpp"
#include "pipeline/run/agreement.hpp"
#include "pipeline/run/execute.hpp"
#include "pipeline/run/sources.hpp"
#include "tests/kernels/block_runner.hpp"
#include "tests/support/contains.hpp"

namespace {
using namespace voxflow;
using test::has;

constexpr Spacing3 kSpacing{{{0.3}, {0.1}, {0.1}}};
constexpr Point3 kPsf_um{0.3, 0.1, 0.1};
const Grid kGrid{{24, 96, 96}, kSpacing};

// About `number` beads in the image, and as dense ones around it on all sides.
std::vector<phantom::Bead> beads(const Grid& grid, int number, std::uint64_t seed = 1) {
  phantom::Random random(seed, 0);
  std::vector<phantom::Bead> all(static_cast<std::size_t>(grid.shape[kZ] > 1 ? 27 * number : 9 * number));
  for (phantom::Bead& b : all) {
    for (std::size_t i = 0; i < 3; ++i)
      if (grid.shape[i] > 1)
        b.centre_um[i] = random.uniform(-1, 2) * static_cast<double>(grid.shape[i]) * grid.spacing[i].value;
    b.brightness = random.uniform(0.5, 1);
  }
  return all;
}

// What a camera sees of the beads displaced by so many voxels: photons of the brightest, background 2, read noise 1.5.
std::vector<float> picture(const Grid& grid, const std::vector<phantom::Bead>& scene, const Point3& shift_voxels,
                           double photons, std::uint64_t noise) {
  Point3 shift_um{};
  for (std::size_t i = 0; i < 3; ++i) shift_um[i] = shift_voxels[i] * grid.spacing[i].value;
  std::vector<float> voxels = phantom::render_beads(grid, scene, kPsf_um, shift_um);
  phantom::Random random(77, noise);
  for (float& v : voxels)
    v = static_cast<float>(
        std::round(100 + random.poisson(2 + photons * static_cast<double>(v)) + 1.5 * random.normal()));
  return voxels;
}

// Volumes of (t, c), t-major.
TransformSet measure(const Grid& grid, int timepoints, int channels, const std::vector<std::vector<float>>& volumes,
                     ParamValues params = {}, int threads = 1) {
  record::ImageInfo info;
  info.dtype = DType::float32, info.grid = grid, info.timepoints = timepoints;
  for (int c = 0; c < channels; ++c) info.channels.push_back({"c" + std::to_string(c), std::nullopt, std::nullopt});
  std::vector<std::byte> bytes(volumes.size() * volumes.front().size() * sizeof(float));
  for (std::size_t i = 0; i < volumes.size(); ++i)
    std::memcpy(bytes.data() + i * volumes.front().size() * sizeof(float), volumes[i].data(),
                volumes.front().size() * sizeof(float));
  run::Job job;
  // The registry keeps the kernel.
  job.kernel = {std::shared_ptr<const AnyKernel>(), &test::shipped_kernel("register.phase_correlation")};
  job.params = std::move(params);
  job.images["image"] = std::make_shared<run::MemorySource>(std::move(info), std::move(bytes));
  run::RunOptions options;
  options.threads = threads;
  run::MemorySink sink;
  return run::execute(job, run::solo_team(), options, sink).small.transforms.at("transform");
}

double error_voxels(const Grid& grid, const Affine3& found, const Point3& truth_voxels) {
  double squares = 0;
  for (std::size_t i = 0; i < 3; ++i)
    squares += std::pow(found.translation_um[i] / grid.spacing[i].value - truth_voxels[i], 2);
  return std::sqrt(squares);
}

// Distance between found and true shift of channel 1 against channel 0.
double error_of(const Grid& grid, int number, const Point3& shift_voxels, double photons, std::uint64_t seed = 1,
                const ParamValues& params = {}) {
  const auto scene = beads(grid, number, seed);
  const auto found = measure(
      grid, 1, 2,
      {picture(grid, scene, {0, 0, 0}, photons, 2 * seed), picture(grid, scene, shift_voxels, photons, 2 * seed + 1)},
      params);
  return error_voxels(grid, found.at(0, 1), shift_voxels);
}
}  // namespace

TEST_CASE("shifts of whole and part voxels, up to 40 % of the size, are found at 50 photons to 0.05 voxel an axis") {
  const auto largest = [](double part) {
    Point3 s{};
    for (std::size_t i = 0; i < 3; ++i) s[i] = part * static_cast<double>(kGrid.shape[i]);
    return s;
  };
  const auto [far_z, far_y, far_x] = largest(0.4);
  for (const Point3& shift : {Point3{0, 0, 0}, Point3{0.3, -0.47, 0.5}, Point3{-1.72, 5.36, -3.11},
                              Point3{4, -17, 30.6}, Point3{far_z, far_y, 0.25}, Point3{0, -far_y, far_x}}) {
    CAPTURE(shift[kZ]);
    CAPTURE(shift[kY]);
    CAPTURE(shift[kX]);
    CHECK(error_of(kGrid, 100, shift, 50) < 0.05 * std::sqrt(3));
  }
}

TEST_CASE("over many scenes the error is near what photon noise allows, and has no leaning towards zero") {
  constexpr int kScenes = 16;
  double squares = 0, towards_zero = 0;
  const Point3 shift{0.4, 0.4, 0.4};
  for (std::uint64_t seed = 1; seed <= kScenes; ++seed) {
    const Grid grid{{12, 64, 64}, kSpacing};
    const auto scene = beads(grid, 60, seed);
    const Affine3 found =
        measure(grid, 1, 2,
                {picture(grid, scene, {0, 0, 0}, 50, 2 * seed), picture(grid, scene, shift, 50, 2 * seed + 1)})
            .at(0, 1);
    for (std::size_t i = 0; i < 3; ++i) {
      const double off = shift[i] - found.translation_um[i] / grid.spacing[i].value;
      squares += off * off, towards_zero += off;
    }
  }
  CHECK(std::sqrt(squares / (3 * kScenes)) < 0.03);
  CHECK(std::abs(towards_zero) / (3 * kScenes) < 0.01);
}

TEST_CASE("without noise the shift is exact to a hundredth of a voxel") {
  const auto scene = beads(kGrid, 60);
  const auto clean = [&](const Point3& shift_voxels) {
    Point3 um{};
    for (std::size_t i = 0; i < 3; ++i) um[i] = shift_voxels[i] * kSpacing[i].value;
    return phantom::render_beads(kGrid, scene, kPsf_um, um);
  };
  const Point3 shift{-2.37, 7.55, 0.08};
  CHECK(error_voxels(kGrid, measure(kGrid, 1, 2, {clean({0, 0, 0}), clean(shift)}).at(0, 1), shift) < 0.01);
}

TEST_CASE("structures that faces cut off do not pull the shift: waves that fill the volume") {
  const Point3 shift{1.3, -2.6, 4.45};
  const auto waves = [&](const Point3& s) {
    return test::make_volume<float>(kGrid,
                                    [&](Index z, Index y, Index x) {
                                      const double a = static_cast<double>(z) - s[kZ],
                                                   b = static_cast<double>(y) - s[kY],
                                                   c = static_cast<double>(x) - s[kX];
                                      return 100 + 10 * std::sin(0.31 * a + 0.13 * b) +
                                             9 * std::sin(0.17 * b - 0.23 * c) + 8 * std::sin(0.41 * c + 0.11 * a + 1) +
                                             7 * std::sin(0.53 * a - 0.29 * b);
                                    })
        .as();
  };
  CHECK(error_voxels(kGrid, measure(kGrid, 1, 2, {waves({0, 0, 0}), waves(shift)}).at(0, 1), shift) < 0.02);
}

TEST_CASE("a channel of other brightness and offset is aligned all the same") {
  const auto scene = beads(kGrid, 60);
  const Point3 shift{0.6, 2.3, -4.8};
  auto moving = picture(kGrid, scene, shift, 50, 2);
  for (float& v : moving) v = 3e6F + 2e4F * v;
  const auto found = measure(kGrid, 1, 2, {picture(kGrid, scene, {0, 0, 0}, 50, 1), moving});
  CHECK(error_voxels(kGrid, found.at(0, 1), shift) < 0.1);
}

TEST_CASE("a single plane is aligned in its plane") {
  const Grid plane{{1, 128, 128}, kSpacing};
  CHECK(error_of(plane, 40, {0, 3.27, -41.6}, 50) < 0.1);
}

TEST_CASE("every channel is measured against the fixed one, at every timepoint") {
  const auto scene = beads(kGrid, 60);
  const std::vector<Point3> places{{0, 1, 2}, {0.5, 0, 0}, {0, -3.25, 7.5}, {1, 1, 1}, {0, 0, 0}, {-1.5, 2.5, 0.75}};
  std::vector<std::vector<float>> volumes;
  for (std::size_t i = 0; i < places.size(); ++i) volumes.push_back(picture(kGrid, scene, places[i], 100, i));
  const TransformSet found = measure(kGrid, 2, 3, volumes, {{"fixed_channel", std::int64_t{1}}});
  CHECK(found.entries.size() == 4);
  for (int t = 0; t < 2; ++t)
    for (const int c : {0, 2}) {
      Point3 truth{};
      for (std::size_t i = 0; i < 3; ++i)
        truth[i] = places[static_cast<std::size_t>(3 * t + c)][i] - places[static_cast<std::size_t>(3 * t + 1)][i];
      CHECK(error_voxels(kGrid, found.at(t, c), truth) < 0.1);
    }
  CHECK(found.at(0, 1) == Affine3{});
}

TEST_CASE("what one timepoint shows holds for all") {
  const auto scene = beads(kGrid, 60);
  const auto found =
      measure(kGrid, 1, 2, {picture(kGrid, scene, {0, 0, 0}, 50, 1), picture(kGrid, scene, {1, 2, 3}, 50, 2)});
  REQUIRE(found.entries.size() == 1);
  CHECK(found.entries[0].t == -1);
  CHECK(found.at(17, 1) == found.entries[0].transform);
}

namespace {
const Grid kFrame{{1, 96, 96}, kSpacing};

Point3 wander(int t) {
  return {0, 0.9 * t, 4 * std::sin(0.4 * t)};
}

std::vector<std::vector<float>> series(int timepoints, double photons) {
  const auto scene = beads(kFrame, 60);
  std::vector<std::vector<float>> volumes;
  for (int t = 0; t < timepoints; ++t)
    volumes.push_back(picture(kFrame, scene, wander(t), photons, static_cast<std::uint64_t>(t)));
  return volumes;
}
}  // namespace

TEST_CASE("drift is followed further than the image is large at one step, from the fixed timepoint, for all channels") {
  constexpr int kTimepoints = 24;
  const TransformSet found = measure(kFrame, kTimepoints, 1, series(kTimepoints, 50),
                                     {{"between", "timepoints"}, {"fixed_timepoint", std::int64_t{5}}});
  REQUIRE(found.entries.size() == kTimepoints);
  for (int t = 0; t < kTimepoints; ++t) {
    CAPTURE(t);
    const Point3 truth{0, wander(t)[kY] - wander(5)[kY], wander(t)[kX] - wander(5)[kX]};
    CHECK(error_voxels(kFrame, found.at(t, 3), truth) < 0.15);
  }
  CHECK(found.at(5, 0) == Affine3{});
}

TEST_CASE("a timepoint that shows something else leaves the others in place, and is an error itself") {
  auto volumes = series(8, 50);
  volumes[3] = picture(kFrame, beads(kFrame, 60, 99), {0, 0, 0}, 50, 3);
  try {
    measure(kFrame, 8, 1, volumes, {{"between", "timepoints"}});
    FAIL("no error");
  } catch (const run::TaskError& e) {
    CHECK(e.code() == ExitCode::user);
    has(e.what(), "timepoint 3, channel 0 fits timepoint 2, channel 0 with a score of 0.");
    has(e.what(), "at best, allowed are a score of 0.2 (min_score) and evidence 1.6 (min_evidence) and more");
    CHECK(std::string(e.what()).find("timepoint 4") == std::string::npos);
  }
}

TEST_CASE("the result does not depend on threads") {
  const auto scene = beads(kGrid, 60);
  const std::vector<std::vector<float>> volumes{picture(kGrid, scene, {0, 0, 0}, 50, 1),
                                                picture(kGrid, scene, {1.3, -7.7, 12.1}, 50, 2)};
  CHECK(measure(kGrid, 1, 2, volumes, {}, 1).to_json() == measure(kGrid, 1, 2, volumes, {}, 3).to_json());
}

namespace {
std::string refusal(const Grid& grid, int channels, const std::vector<std::vector<float>>& volumes,
                    const ParamValues& params = {}) {
  try {
    return measure(grid, 1, channels, volumes, params).to_json();
  } catch (const run::TaskError& e) {
    CHECK(e.code() == ExitCode::user);
    return e.what();
  }
}
}  // namespace

TEST_CASE(
    "channels that show different things are an error with slice, score and what is allowed, never a zero shift") {
  const auto fixed = picture(kGrid, beads(kGrid, 60, 1), {0, 0, 0}, 50, 1);
  const auto other = picture(kGrid, beads(kGrid, 60, 2), {0, 0, 0}, 50, 2);
  const std::string message = refusal(kGrid, 3, {fixed, fixed, other});
  has(message, "timepoint 0, channel 2 fits timepoint 0, channel 0 with a score of 0.");
  has(message,
      "allowed are a score of 0.2 (min_score) and evidence 1.6 (min_evidence) and more; look whether both show");
  CHECK(message.find("channel 1 fits") == std::string::npos);
}

TEST_CASE("foreign beads are an error in every scene, however few of them meet by chance") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed)
    for (const int number : {5, 60}) {
      CAPTURE(seed);
      CAPTURE(number);
      const Grid grid{{1, 96, 96}, kSpacing};
      has(refusal(grid, 2,
                  {picture(grid, beads(grid, number, seed), {0, 0, 0}, 50, 1),
                   picture(grid, beads(grid, number, 100 + seed), {0, 0, 0}, 50, 2)}),
          "allowed are a score of 0.2 (min_score)");
    }
}

TEST_CASE("noise alone is an error") {
  has(refusal(kGrid, 2, {picture(kGrid, {}, {0, 0, 0}, 50, 1), picture(kGrid, {}, {0, 0, 0}, 50, 2)}),
      "allowed are a score of 0.2 (min_score)");
}

TEST_CASE("a shift beyond max_shift is an error") {
  const auto scene = beads(kGrid, 100);
  const std::vector<std::vector<float>> volumes{picture(kGrid, scene, {0, 0, 0}, 50, 1),
                                                picture(kGrid, scene, {0, 30, 0}, 50, 2)};
  has(refusal(kGrid, 2, volumes, {{"max_shift", 0.2}}), "whether max_shift is large enough");
}

TEST_CASE("an image that is constant, infinite or NaN is refused by its place") {
  const auto good = picture(kGrid, beads(kGrid, 60), {0, 0, 0}, 50, 1);
  auto bad = good;
  has(refusal(kGrid, 2, {good, std::vector<float>(good.size(), 7.5F)}),
      "the image is 7.5 everywhere in timepoint 0, channel 1, so nothing can be aligned by it");
  bad[1234] = std::numeric_limits<float>::infinity();
  has(refusal(kGrid, 2, {bad, good}), "the image is infinite somewhere in timepoint 0, channel 0");
  bad[1234] = std::numeric_limits<float>::quiet_NaN();
  has(refusal(kGrid, 2, {good, bad}), "input 'image' is NaN at timepoint 0, channel 1");
}

TEST_CASE("what cannot be compared is refused before any voxel is read") {
  const std::vector<float> v(static_cast<std::size_t>(count(kGrid.shape)), 1.0F);
  has(refusal(kGrid, 1, {v}),
      "between is channels, of which the step reads only one; read an image with several "
      "channels, or set between: timepoints");
  has(refusal(kGrid, 2, {v, v}, {{"between", "timepoints"}}),
      "between is timepoints, of which the step reads only one");
  has(refusal(kGrid, 2, {v, v}, {{"fixed_channel", std::int64_t{4}}}),
      "fixed_channel is 4, allowed are those that the step reads: 0, 1");
}
