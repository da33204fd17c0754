#include <doctest/doctest.h>
#include <fmt/format.h>

#include <limits>

#include "pipeline/phantom/score.hpp"
#include "tests/kernels/noisy_volumes.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> denoise(const Volume& image, const ParamValues& params, const Index3& core = {0, 0, 0}) {
  return run_on("denoise.dct", image, params, core);
}

ParamValues with(ParamValues params, const std::string& name, const ParamValue& value) {
  params[name] = value;
  return params;
}
}  // namespace

TEST_CASE("denoising reaches 32.3 dB at 10 photons and 38.3 dB at 50, with known and with found noise") {
  const Index3 shape{64, 256, 256};
  const std::vector<float> light = noise_free_phantom(shape, 1);
  for (const auto& [peak, wanted_dB, fast_dB] : {std::tuple{10.0, 32.3, 32.0}, {50.0, 38.3, 37.3}}) {
    const Volume image{{shape, {}}, with_noise(light, peak, kCamera, 7)};
    const std::vector<float> truth = without_noise(light, peak, kCamera);
    const auto score = [&](const ParamValues& params) {
      return phantom::psnr(truth, denoise(image, params, {64, 192, 192}));
    };
    const double best = score(stated(kCamera)), found = score({}), fast = score({{"preset", std::string("fast")}});
    MESSAGE(fmt::format("peak {}: noisy {:.2f} dB, best {:.2f} dB, with found noise {:.2f} dB, fast {:.2f} dB", peak,
                        phantom::psnr(truth, image.as()), best, found, fast));
    CHECK(best >= wanted_dB);
    CHECK(found >= wanted_dB);
    CHECK(fast >= fast_dB);
  }
}

TEST_CASE("blocks of a denoised image give the bits of the whole") {
  for (const Index3 shape : {Index3{13, 41, 52}, Index3{1, 70, 61}, Index3{3, 30, 33}, Index3{9, 6, 60}}) {
    const Volume image = noisy_volume(shape);
    for (const char* preset : {"best", "fast"}) {
      const ParamValues params = with(stated(kCamera), "preset", std::string(preset));
      const auto whole = denoise(image, params);
      CHECK(whole != image.as());
      for (const Index3 core : {Index3{5, 16, 7}, Index3{4, 9, 60}}) CHECK(denoise(image, params, core) == whole);
    }
  }
}

TEST_CASE("the noise that is found does not depend on blocks") {
  const Volume image = noisy_volume({12, 90, 110});
  const auto whole = denoise(image, {});
  CHECK(whole != image.as());
  for (const Index3 core : {Index3{5, 16, 7}, Index3{4, 90, 33}}) CHECK(denoise(image, {}, core) == whole);
}

TEST_CASE("a masked part without noise stays as it is, to its rim's reach") {
  Volume image = noisy_volume({8, 60, 90});
  for (Index z = 0; z < 8; ++z)
    for (Index y = 0; y < 60; ++y)
      for (Index x = 40; x < 90; ++x) voxel(image, z, y, x) = 0;
  const auto result = denoise(image, stated(kCamera));
  for (Index y = 0; y < 60; ++y)
    for (Index x = 47; x < 90; ++x) CHECK(result[static_cast<std::size_t>((3 * 60 + y) * 90 + x)] == 0);
}

TEST_CASE("an image without noise stays as it is") {
  const Volume image = make_volume<float>({{6, 40, 50}, {}}, [](Index, Index y, Index) { return y < 20 ? 100 : 300; });
  CHECK(denoise(image, {}) == image.as());
}

TEST_CASE("NaN and infinite voxels get what is around them and change nothing beyond their patches") {
  const Volume clean = noisy_volume({10, 60, 70});
  const auto expected = denoise(clean, stated(kCamera));
  for (const float bad : {kNaN, std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    Volume image = clean;
    voxel(image, 5, 30, 35) = bad;
    const auto result = denoise(image, stated(kCamera));
    std::size_t i = 0, far = 0, not_finite = 0;
    double worst = 0;
    for (Index z = 0; z < 10; ++z)
      for (Index y = 0; y < 60; ++y)
        for (Index x = 0; x < 70; ++x, ++i) {
          not_finite += std::isfinite(result[i]) ? 0 : 1;
          worst = std::max(worst, std::abs(static_cast<double>(result[i] - expected[i])));
          if (std::abs(y - 30) > 14 || std::abs(x - 35) > 14) far += result[i] != expected[i] ? 1 : 0;
        }
    CHECK(not_finite == 0);
    CHECK(far == 0);
    CHECK(worst < 12);  // no more than the noise itself
  }
}

TEST_CASE("where nothing is known for more than two voxels, NaN stays and does not spread") {
  Volume image = noisy_volume({6, 50, 80});
  for (Index z = 0; z < 6; ++z)
    for (Index y = 0; y < 50; ++y)
      for (Index x = 0; x < 20; ++x) voxel(image, z, y, x) = kNaN;
  for (const Index3 core : {Index3{0, 0, 0}, Index3{6, 16, 24}}) {
    const auto result = denoise(image, {}, core);
    for (Index x = 0; x < 80; ++x)
      CHECK(std::isnan(result[static_cast<std::size_t>(2 * 50 * 80 + 25 * 80 + x)]) == (x < 18));
  }
  const Volume nothing = make_volume<float>({{4, 20, 20}, {}}, [](Index, Index, Index) { return kNaN; });
  for (const float v : denoise(nothing, {})) CHECK(std::isnan(v));
}

TEST_CASE("intensities below the offset are denoised, not cut off") {
  const std::vector<float> light(40 * 64 * 10, 0.0F);
  const Volume image{{{10, 40, 64}, {}}, with_noise(light, 10, {1, 0, 5}, 3)};
  double sum = 0, highest = 0;
  for (const float v : denoise(image, stated({1, 2, 5})))
    sum += static_cast<double>(v), highest = std::max(highest, std::abs(static_cast<double>(v)));
  CHECK(std::abs(sum / static_cast<double>(light.size())) < 0.2);
  CHECK(highest < 4);
}
