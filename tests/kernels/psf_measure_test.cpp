#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "pipeline/phantom/random.hpp"
#include "tests/kernels/block_runner.hpp"
#include "tests/support/messages.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

const Grid kGrid{{48, 96, 110}, {{{0.2}, {0.1}, {0.1}}}};
const Point3 kSigma{2.0, 1.5, 1.3};
const ParamValues kExtent{{"extent", std::vector{1.6, 0.8, 0.8}}};  // 8 voxels each way

struct Spot {
  Point3 centre;
  double photons = 400;
};

Volume beads(const std::vector<Spot>& spots, double background = 10) {
  phantom::Random random(3, 0);
  return make_volume<float>(kGrid, [&](Index z, Index y, Index x) {
    double v = background;
    for (const Spot& s : spots) {
      const Point3 at{static_cast<double>(z), static_cast<double>(y), static_cast<double>(x)};
      double d = 0;
      for (std::size_t i = 0; i < 3; ++i) d += std::pow((at[i] - s.centre[i]) / kSigma[i], 2);
      v += s.photons * std::exp(-d / 2);
    }
    return random.poisson(v);
  });
}

KernelOutputs measure(const Volume& image, ParamValues params = kExtent, int threads = 1) {
  return run_blocks(shipped_kernel("psf.measure"), params, {{{"image", {image}}}, {}}, "image", {0, 0, 0},
                    Context(threads, nullptr));
}

std::vector<std::string> fates(const KernelOutputs& out) {
  return std::get<std::vector<std::string>>(std::get<Table>(out.small.at("beads")).column("fate").values);
}
const std::vector<Spot> kFour{{{14.3, 20.4, 25.0}}, {{30.0, 24.6, 70.5}}, {{20.7, 70.1, 30.2}}, {{25.2, 66.9, 80.8}}};
}  // namespace

TEST_CASE("the PSF is that of the beads: its width within 3 %, centred to a tenth of a voxel, without background") {
  const auto out = measure(beads(kFour));
  CHECK(fates(out) == std::vector<std::string>(4, "used"));
  const auto psf = std::get<Psf>(out.small.at("psf"));
  REQUIRE(psf.grid == Grid{{17, 17, 17}, kGrid.spacing});
  CHECK(std::accumulate(psf.voxels.begin(), psf.voxels.end(), 0.0) == doctest::Approx(1).epsilon(1e-5));
  double sum = 0;
  Point3 centre{}, square{};
  std::size_t i = 0;
  for (Index z = -8; z <= 8; ++z)
    for (Index y = -8; y <= 8; ++y)
      for (Index x = -8; x <= 8; ++x, ++i) {
        const Index3 at{z, y, x};
        if (std::abs(z) > 5 || std::abs(y) > 5 || std::abs(x) > 5) continue;  // beyond it is mostly noise
        const auto v = static_cast<double>(psf.voxels[i]);
        sum += v;
        for (std::size_t a = 0; a < 3; ++a) {
          centre[a] += v * static_cast<double>(at[a]);
          square[a] += v * static_cast<double>(at[a] * at[a]);
        }
      }
  const Point3 within{1.936, 1.494, 1.3};  // of a Gaussian of kSigma cut at 5.5
  for (std::size_t a = 0; a < 3; ++a) {
    CAPTURE(a);
    CHECK(std::abs(centre[a] / sum) < 0.1);
    CHECK(std::sqrt(square[a] / sum) == doctest::Approx(within[a]).epsilon(0.04));
  }
  // The corners hold next to nothing.
  CHECK(psf.voxels.front() < 1e-3F * psf.voxels[psf.voxels.size() / 2]);
}

TEST_CASE("beads are found to a tenth of a voxel") {
  const auto out = measure(beads(kFour));
  const auto& table = std::get<Table>(out.small.at("beads"));
  const auto column = [&](const char* name) { return std::get<std::vector<double>>(table.column(name).values); };
  const std::array<std::vector<double>, 3> um{column("z"), column("y"), column("x")};
  for (const Spot& s : kFour) {
    double nearest = 1e9;
    for (std::size_t row = 0; row < table.rows(); ++row) {
      double d = 0;
      for (std::size_t a = 0; a < 3; ++a) d += std::pow(um[a][row] / kGrid.spacing[a].value - s.centre[a], 2);
      nearest = std::min(nearest, std::sqrt(d));
    }
    CHECK(nearest < 0.1);
  }
}

TEST_CASE("beads that touch, lie at a face or are saturated are left out, and the table says so") {
  std::vector<Spot> spots = kFour;
  spots.push_back({{14.0, 29.0, 31.0}});  // touches the first one
  spots.push_back({{40.5, 60.0, 55.0}});  // too near the last plane
  const auto out = measure(beads(spots));
  auto found = fates(out);
  CHECK(std::count(found.begin(), found.end(), "used") == 3);
  CHECK(std::count(found.begin(), found.end(), "touching") == 2);
  CHECK(std::count(found.begin(), found.end(), "at_face") == 1);
  spots = kFour, spots[1].photons = 1500;
  ParamValues params = kExtent;
  params["saturation"] = 1000.0;
  found = fates(measure(beads(spots), params));
  CHECK(std::count(found.begin(), found.end(), "saturated") == 1);
  CHECK(std::count(found.begin(), found.end(), "used") == 3);
  // Where nobody says what clips, several voxels of the highest intensity do.
  Volume clipped = beads(spots);
  for (float& v : std::get<std::vector<float>>(clipped.voxels)) v = std::min(v, 1000.0F);
  found = fates(measure(clipped));
  CHECK(std::count(found.begin(), found.end(), "saturated") == 1);
  CHECK(std::count(found.begin(), found.end(), "used") == 3);
}

TEST_CASE("an image without a bead that stands alone is refused with what was found") {
  constexpr const char* kNoBeads =
      "the image is even, or its peaks do not stand out of the noise by eight standard deviations; choose an image of "
      "beads";
  CHECK(message_of<UserError>([] { measure(beads({})); }) == kNoBeads);
  const Volume even = make_volume<float>(kGrid, [](Index, Index, Index) { return 7; });
  CHECK(message_of<UserError>([&] { measure(even); }) == kNoBeads);
  CHECK(
      message_of<UserError>([] {
        measure(beads({{{14.0, 29.0, 31.0}}, {{14.0, 22.0, 31.0}}}));
      }) ==
      "none of 2 peaks is a bead that stands alone: 2 touch another one, 0 are too near a face, 0 are saturated; take "
      "an image of fewer beads, or a smaller extent, or a higher threshold where peaks are noise");
}

TEST_CASE("a plane of beads gives the PSF of a plane, and threads change no bit") {
  const Volume volume = beads(kFour);
  CHECK(std::get<Psf>(measure(volume, kExtent, 3).small.at("psf")).voxels ==
        std::get<Psf>(measure(volume).small.at("psf")).voxels);
  const auto begin = volume.as().begin() + 30 * 96 * 110;
  const Volume plane{{{1, 96, 110}, kGrid.spacing}, std::vector<float>(begin, begin + 96 * 110)};
  CHECK(std::get<Psf>(measure(plane).small.at("psf")).grid.shape == Index3{1, 17, 17});
}
