#include <doctest/doctest.h>
#include <fmt/format.h>

#include <limits>

#include "kernels/denoise/tv/total_variation.hpp"
#include "pipeline/phantom/score.hpp"
#include "tests/kernels/noisy_volumes.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

std::vector<float> denoise(const Volume& image, const ParamValues& params, const Index3& core = {0, 0, 0}) {
  return run_on("denoise.tv", image, params, core);
}

double worst_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return worst;
}

// What is minimised, in double precision.
double objective(const std::vector<float>& image, const std::vector<float>& noisy, const Index3& shape,
                 const tv::Problem& problem) {
  const auto at = [&](Index z, Index y, Index x) {
    return static_cast<double>(image[static_cast<std::size_t>((z * shape[kY] + y) * shape[kX] + x)]);
  };
  double sum = 0;
  for (std::size_t i = 0; i < image.size(); ++i)
    sum += std::pow(static_cast<double>(image[i]) - static_cast<double>(noisy[i]), 2) / 2;
  for (Index z = 0; z < shape[kZ]; ++z)
    for (Index y = 0; y < shape[kY]; ++y)
      for (Index x = 0; x < shape[kX]; ++x) {
        const double v = at(z, y, x);
        const double dz = z + 1 < shape[kZ] ? problem.slopes[kZ] * (at(z + 1, y, x) - v) : 0;
        const double dy = y + 1 < shape[kY] ? problem.slopes[kY] * (at(z, y + 1, x) - v) : 0;
        const double dx = x + 1 < shape[kX] ? problem.slopes[kX] * (at(z, y, x + 1) - v) : 0;
        sum += problem.weight * std::sqrt(dz * dz + dy * dy + dx * dx);
      }
  return sum;
}
}  // namespace

TEST_CASE("total variation reaches 30.8 dB at 10 photons and 36.0 dB at 50, and hardly less with found noise") {
  const Index3 shape{64, 256, 256};
  const std::vector<float> light = noise_free_phantom(shape, 1);
  for (const auto& [peak, wanted_dB] : {std::pair{10.0, 30.8}, {50.0, 36.0}}) {
    const Volume image{{shape}, with_noise(light, peak, kCamera, 7)};
    const std::vector<float> truth = without_noise(light, peak, kCamera);
    const double known = phantom::psnr(truth, denoise(image, stated(kCamera), {64, 128, 128})),
                 found = phantom::psnr(truth, denoise(image, {}, {64, 128, 128}));
    MESSAGE(fmt::format("peak {}: noisy {:.2f} dB, {:.2f} dB, with found noise {:.2f} dB", peak,
                        phantom::psnr(truth, image.as()), known, found));
    CHECK(known >= wanted_dB);
    CHECK(found >= wanted_dB - 0.1);
  }
}

TEST_CASE("many iterations come to the least total variation of a step, known in closed form") {
  // Each side of a step moves towards the other by the weight over its length.
  const Index3 shape{1, 1, 40};
  std::vector<float> voxels(40, 0.0F);
  std::fill(voxels.begin() + 10, voxels.end(), 8.0F);
  Context context;
  tv::minimise(voxels.data(), shape, {3, {0, 0, 1}, 4000}, context);
  for (std::size_t i = 0; i < 40; ++i) CHECK(voxels[i] == doctest::Approx(i < 10 ? 0.3 : 7.9).epsilon(1e-3));
}

TEST_CASE("the iteration comes nearer and nearer to the minimum, also with anisotropic slopes") {
  const Index3 shape{9, 20, 21};
  const auto noisy = with_noise(noise_free_phantom(shape, 3), 20, {1, 0, 1}, 5);
  tv::Problem problem{2, {0.25F, 1, 0.5F}, 0};
  std::vector<double> reached;
  Context context;
  for (const int iterations : {5, 20, 80, 2000}) {
    auto image = noisy;
    problem.iterations = iterations;
    tv::minimise(image.data(), shape, problem, context);
    reached.push_back(objective(image, noisy, shape, problem));
  }
  CHECK(reached[0] < objective(noisy, noisy, shape, problem));
  CHECK(reached[1] < reached[0]);
  CHECK(reached[2] < reached[1]);
  CHECK(reached[1] < reached[3] * 1.02);
  CHECK(reached[2] < reached[3] * 1.002);
}

TEST_CASE("blocks of a volume come as near to the whole as declared, in planes and volumes, with found noise too") {
  const double tolerance = shipped_kernel("denoise.tv").schema().tolerance;
  for (const auto& [shape, core] : {std::pair{Index3{40, 90, 100}, Index3{20, 30, 32}},
                                    {Index3{1, 190, 161}, Index3{1, 40, 50}},
                                    {Index3{3, 60, 133}, Index3{3, 20, 60}}})
    for (const ParamValues& params : {stated(kCamera), ParamValues{}, ParamValues{{"weight", 10.0}}}) {
      const Volume image = noisy_volume(shape);
      const auto whole = denoise(image, params), blocks = denoise(image, params, core);
      const double highest = static_cast<double>(*std::max_element(whole.begin(), whole.end()));
      MESSAGE(fmt::format("{} x {} x {}: {:.2e}", shape[kZ], shape[kY], shape[kX],
                          worst_difference(whole, blocks) / highest));
      CHECK(worst_difference(whole, blocks) <= tolerance * highest);
      CHECK(whole != image.as());
    }
}
