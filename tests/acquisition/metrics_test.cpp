// What is measured of planes: exact where it is counted, near the truth where it is estimated.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "pipeline/acquisition/plane_metrics.hpp"
#include "pipeline/acquisition/quality_inspector.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/messages.hpp"

using namespace voxflow;
using namespace voxflow::acquisition;
using namespace voxflow::test;

namespace {
constexpr Index kHeight = 128, kWidth = 96;

/// Gaussian noise of standard deviation `noise` on waves of amplitude `signal` and `period` voxels.
std::vector<float> plane_of(double signal, double period, double noise, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<float> voxels;
  for (Index y = 0; y < kHeight; ++y)
    for (Index x = 0; x < kWidth; ++x)
      voxels.push_back(static_cast<float>(1000 + signal * std::sin(6.2831853 * static_cast<double>(x + y) / period) +
                                          noise * normal(random)));
  return voxels;
}

PlaneMetrics measure(const std::vector<float>& voxels, std::optional<double> maximum = {}) {
  std::vector<std::uint32_t> spikes;
  return measure_plane(DType::float32, voxels.data(), kHeight, kWidth, maximum, spikes);
}

record::ImageInfo image_of(DType type, const Index3& shape, int timepoints = 1, int channels = 1) {
  record::ImageInfo info;
  info.dtype = type;
  info.grid.shape = shape;
  info.grid.spacing = {{{0.5}, {0.2}, {0.2}}};
  info.timepoints = timepoints;
  for (int c = 0; c < channels; ++c) info.channels.push_back({"c" + std::to_string(c), {}, {}});
  return info;
}

const Measurement& measured(const QualityReport& report, const std::string& metric) {
  for (const Measurement& m : report.measurements)
    if (m.metric == metric) return m;
  FAIL("not measured: " << metric);
  return report.measurements.front();
}
}  // namespace

TEST_CASE("noise is found within a few percent, with and without a signal") {
  CHECK(measure(plane_of(0, 30, 10)).noise == doctest::Approx(10).epsilon(0.05));
  CHECK(measure(plane_of(100, 30, 10)).noise == doctest::Approx(10).epsilon(0.05));
}

TEST_CASE("signal over noise is that of the standard deviations; noise alone has none") {
  CHECK(measure(plane_of(100, 30, 10)).signal_to_noise() == doctest::Approx(100 / std::sqrt(2.0) / 10).epsilon(0.05));
  CHECK(measure(plane_of(0, 30, 10)).signal_to_noise() < 0.3);
}

TEST_CASE("focus falls as details go, whatever the noise") {
  const double sharp = measure(plane_of(100, 8, 10)).focus(), soft = measure(plane_of(100, 40, 10)).focus();
  CHECK(sharp == doctest::Approx(1.0).epsilon(0.1));  // 1 - cos(2 pi 2 / 8)
  CHECK(soft == doctest::Approx(0.049).epsilon(0.2));
  CHECK(measure(plane_of(100, 8, 30)).focus() == doctest::Approx(sharp).epsilon(0.15));
}

TEST_CASE("voxels at the maximum are counted, integers from their type's, others from the camera's") {
  std::vector<std::uint32_t> spikes;
  std::vector<std::uint8_t> eight(static_cast<std::size_t>(kHeight * kWidth), 7);
  eight[3] = eight[5] = 255;
  CHECK(measure_plane(DType::uint8, eight.data(), kHeight, kWidth, 255.0, spikes).saturated == 2);
  CHECK(measure_plane(DType::uint8, eight.data(), kHeight, kWidth, 7.0, spikes).saturated == eight.size());
  CHECK(measure_plane(DType::uint8, eight.data(), kHeight, kWidth, 4095.0, spikes).saturated == 0);
  CHECK(measure(std::vector<float>(eight.begin(), eight.end())).saturated == 0);
  CHECK(measure(std::vector<float>(eight.begin(), eight.end()), 100.0).saturated == 2);
}

TEST_CASE("a plane of equal voxels, or of none that is a number, is blank") {
  std::vector<float> voxels(static_cast<std::size_t>(kHeight * kWidth), 5.F);
  CHECK(measure(voxels).blank);
  voxels[17] = 6;
  CHECK(!measure(voxels).blank);
  voxels.assign(voxels.size(), std::numeric_limits<float>::quiet_NaN());
  CHECK(measure(voxels).blank);
  CHECK(measure(voxels).nan == voxels.size());
}

TEST_CASE("what is not a number is counted and does not spoil the rest") {
  auto voxels = plane_of(100, 30, 10);
  voxels[0] = voxels[500] = std::numeric_limits<float>::quiet_NaN();
  const PlaneMetrics m = measure(voxels);
  CHECK(m.nan == 2);
  CHECK(std::isfinite(m.variance));
  CHECK(std::isfinite(m.signal_to_noise()));
}

TEST_CASE("planes smaller than what is looked at give no estimate and no error") {
  std::vector<std::uint32_t> spikes;
  const std::vector<std::uint16_t> voxels{1, 2, 3, 4};
  for (const Index3 shape : {Index3{1, 1, 1}, Index3{1, 2, 2}, Index3{1, 1, 4}, Index3{1, 4, 1}})
    CHECK(measure_plane(DType::uint16, voxels.data(), shape[kY], shape[kX], 65535.0, spikes).noise == 0);
}

TEST_CASE("a pixel that stands out in most planes is hot; spots that come and go are not") {
  QualityInspector gate({});
  gate.begin(image_of(DType::float32, {8, kHeight, kWidth}));
  for (Index z = 0; z < 8; ++z) {
    auto voxels = plane_of(50, 30, 10, static_cast<unsigned>(z + 1));
    voxels[5000] += 2000;                                    // in every plane
    voxels[6000 + static_cast<std::size_t>(z) * 7] += 2000;  // somewhere else in each
    gate.planes(0, 0, z, 1, voxels.data());
  }
  CHECK(measured(gate.report({}), "hot_pixels").value == doctest::Approx(1.0 / static_cast<double>(kHeight * kWidth)));
}

TEST_CASE("the report says in which channel, timepoint and plane a metric is worst") {
  QualityInspector gate({});
  gate.begin(image_of(DType::uint8, {2, 16, 16}, 2, 2));
  std::vector<std::uint8_t> dark(256, 0), half(256, 0);
  for (std::size_t i = 0; i < 256; ++i) dark[i] = static_cast<std::uint8_t>(i % 16), half[i] = i < 128 ? 255 : dark[i];
  for (int t = 0; t < 2; ++t)
    for (int c = 0; c < 2; ++c)
      for (Index z = 0; z < 2; ++z) gate.planes(t, c, z, 1, (t == 1 && c == 0 && z == 1 ? half : dark).data());
  const QualityReport report = gate.report({});
  const Measurement& m = measured(report, "saturated");
  CHECK(m.channel == "c0");
  CHECK(m.timepoint == 1);
  CHECK(m.plane == 1);
  CHECK(m.value == 0.25);
  REQUIRE(!report.findings.empty());
  CHECK(report.findings.front().text ==
        "channel 'c0', timepoint 1, plane 1: saturated is 0.25, allowed up to 0.001 (share of a volume's voxels at the "
        "camera's maximum)");
  CHECK(report.verdict() == Verdict::warn);
}

TEST_CASE("an empty channel and lost frames are found") {
  QualityInspector gate({});
  gate.begin(image_of(DType::uint8, {2, 16, 16}, 1, 2));
  std::vector<std::uint8_t> blank(256, 9), full(256);
  for (std::size_t i = 0; i < 256; ++i) full[i] = static_cast<std::uint8_t>(i);
  gate.planes(0, 0, 0, 1, full.data());
  gate.planes(0, 0, 1, 1, blank.data());
  gate.planes(0, 1, 0, 1, blank.data());
  gate.planes(0, 1, 1, 1, blank.data());
  std::string texts;
  for (const Finding& f : gate.report({}).findings) texts += f.text + "\n";
  has(texts, "channel 'c0', timepoint 0, plane 1: blank_planes is 1");
  has(texts, "channel 'c1', timepoint 0: empty_volumes is 1");
}

TEST_CASE("the measurements are the same for any number of threads and any cut into slabs") {
  std::vector<float> volume;
  for (unsigned z = 0; z < 8; ++z) {
    const auto plane = plane_of(40, 12, 10, z + 1);
    volume.insert(volume.end(), plane.begin(), plane.end());
  }
  const auto report_of = [&](std::size_t threads, Index slab) {
    GateOptions options;
    options.threads = threads;
    QualityInspector gate(options);
    gate.begin(image_of(DType::float32, {8, kHeight, kWidth}));
    for (Index z = 0; z < 8; z += slab) gate.planes(0, 0, z, slab, volume.data() + z * kHeight * kWidth);
    return gate.report({}).to_json();
  };
  CHECK(report_of(1, 8) == report_of(3, 8));
  CHECK(report_of(1, 8) == report_of(2, 2));
}
