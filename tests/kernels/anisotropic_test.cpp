#include <doctest/doctest.h>
#include <fmt/format.h>

#include "pipeline/phantom/score.hpp"
#include "tests/kernels/noisy_volumes.hpp"

using namespace voxflow;
using namespace voxflow::test;

TEST_CASE("curvature diffusion takes more than 10 dB of the noise out at 10 photons, and 8 dB at 50") {
  const Index3 shape{24, 96, 96};
  const std::vector<float> light = noise_free_phantom(shape, 1);
  for (const auto& [peak, gain_dB] : {std::pair{10.0, 10.0}, {50.0, 8.0}}) {
    const Volume image{{shape}, with_noise(light, peak, kCamera, 7)};
    const std::vector<float> truth = without_noise(light, peak, kCamera);
    const double noisy = phantom::psnr(truth, image.as()),
                 reached = phantom::psnr(truth, run_on("denoise.anisotropic", image, stated(kCamera)));
    MESSAGE(fmt::format("peak {}: noisy {:.2f} dB, {:.2f} dB", peak, noisy, reached));
    CHECK(reached >= noisy + gain_dB);
  }
}

TEST_CASE("blocks of curvature diffusion give the bits of the whole") {
  for (const Index3 shape : {Index3{9, 40, 41}, Index3{1, 70, 61}}) {
    const Volume image = noisy_volume(shape, 20, {{{0.5}, {0.2}, {0.2}}});
    for (const ParamValues& params : {stated(kCamera), ParamValues{}}) {
      const auto whole = run_on("denoise.anisotropic", image, params);
      CHECK(whole != image.as());
      CHECK(run_on("denoise.anisotropic", image, params, {4, 16, 17}) == whole);
    }
  }
}
