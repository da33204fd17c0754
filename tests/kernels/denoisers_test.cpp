// What holds for every denoiser: bad voxels, thin volumes, images without noise.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "pipeline/core/error.hpp"
#include "pipeline/phantom/score.hpp"
#include "tests/kernels/noisy_volumes.hpp"
#include "tests/support/messages.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinite = std::numeric_limits<float>::infinity();
// Those that work with a model of the noise.
const std::vector<std::string> kByNoise{"denoise.anisotropic", "denoise.dct", "denoise.nlm", "denoise.tv"};
// What a voxel may change around it: patches of both stages, windows, or iterations.
constexpr Index kFarthest = 24;
}  // namespace

TEST_CASE("every denoiser leaves a constant image as it is, whether the noise is known or not") {
  for (const std::string& kernel : kByNoise)
    for (const float value : {0.0F, 140.0F, 65535.0F, -7.5F})
      for (const Index3 shape : {Index3{5, 20, 30}, Index3{1, 24, 24}, Index3{1, 1, 1}}) {
        CAPTURE(kernel);
        const Volume image = make_volume<float>({shape}, [&](Index, Index, Index) { return value; });
        CHECK(run_on(kernel, image, {}) == image.as());
        CHECK(run_on(kernel, image, stated(kCamera)) == image.as());
      }
}

TEST_CASE("every denoiser fills single voxels that are NaN or infinite, and changes nothing far from them") {
  const Index3 shape{6, 60, 70};
  const Volume clean = noisy_volume(shape);
  for (const std::string& kernel : kByNoise) {
    CAPTURE(kernel);
    const auto expected = run_on(kernel, clean, stated(kCamera));
    for (const float bad : {kNaN, kInfinite, -kInfinite}) {
      Volume image = clean;
      voxel(image, 3, 30, 35) = bad;
      const auto result = run_on(kernel, image, stated(kCamera));
      std::size_t i = 0, not_finite = 0;
      double worst = 0, worst_far = 0;
      for (Index z = 0; z < shape[kZ]; ++z)
        for (Index y = 0; y < shape[kY]; ++y)
          for (Index x = 0; x < shape[kX]; ++x, ++i) {
            not_finite += std::isfinite(result[i]) ? 0 : 1;
            const double change = std::abs(static_cast<double>(result[i] - expected[i]));
            worst = std::max(worst, change);
            if (std::abs(y - 30) > kFarthest || std::abs(x - 35) > kFarthest) worst_far = std::max(worst_far, change);
          }
      CHECK(not_finite == 0);
      CHECK(worst_far < 1e-3);
      CHECK(worst < 15);  // no more than the noise itself
    }
  }
}

TEST_CASE("every denoiser keeps NaN where nothing is known, and does not spread it") {
  Volume image = noisy_volume({4, 40, 60});
  for (Index z = 0; z < 4; ++z)
    for (Index y = 0; y < 40; ++y)
      for (Index x = 0; x < 20; ++x) voxel(image, z, y, x) = kNaN;
  const Volume nothing = make_volume<float>({{3, 20, 20}}, [](Index, Index, Index) { return kNaN; });
  for (const std::string& kernel : kByNoise) {
    CAPTURE(kernel);
    const auto result = run_on(kernel, image, stated(kCamera));
    for (Index x = 0; x < 60; ++x)
      CHECK(std::isnan(result[static_cast<std::size_t>((2 * 40 + 25) * 60 + x)]) == (x < 18));
    for (const float v : run_on(kernel, nothing, {})) CHECK(std::isnan(v));
  }
}

TEST_CASE("every denoiser leaves clipped voxels as they are") {
  Volume image = noisy_volume({6, 50, 50}, 50);
  for (float& v : std::get<std::vector<float>>(image.voxels)) v = std::min(v, 150.0F);
  ParamValues params = stated(kCamera);
  params["saturation"] = 150.0;
  for (const std::string& kernel : kByNoise) {
    CAPTURE(kernel);
    const auto result = run_on(kernel, image, params);
    std::size_t clipped = 0, changed = 0;
    for (std::size_t i = 0; i < result.size(); ++i)
      if (image.as()[i] == 150) ++clipped, changed += result[i] != 150 ? 1 : 0;
    CHECK(clipped > 100);
    CHECK(changed == 0);
  }
}

TEST_CASE("every denoiser takes intensities below the offset as dark, and cuts none off") {
  const std::vector<float> dark(40 * 64 * 6, 0.0F);
  const Volume image{{{6, 40, 64}}, with_noise(dark, 10, {1, 0, 5}, 3)};
  for (const std::string& kernel : kByNoise) {
    CAPTURE(kernel);
    double sum = 0;
    for (const float v : run_on(kernel, image, stated({1, 2, 5}))) sum += static_cast<double>(v);
    CHECK(std::abs(sum / static_cast<double>(dark.size())) < 0.3);
  }
}

TEST_CASE("every denoiser works on planes and on thin volumes") {
  for (const std::string& kernel : kByNoise)
    for (const Index3 shape : {Index3{1, 120, 120}, Index3{2, 100, 100}, Index3{5, 7, 500}}) {
      CAPTURE(kernel);
      CAPTURE(shape[kZ]);
      const std::vector<float> light = noise_free_phantom(shape, 3);
      const Volume image{{shape}, with_noise(light, 30, kCamera, 5)};
      const std::vector<float> truth = without_noise(light, 30, kCamera);
      CHECK(phantom::psnr(truth, run_on(kernel, image, stated(kCamera))) > phantom::psnr(truth, image.as()) + 3);
    }
}

TEST_CASE("every denoiser refuses a camera that is stated to be without noise") {
  for (const std::string& kernel : kByNoise)
    CHECK_THROWS_WITH_AS(shipped_kernel(kernel).bind({{"noise.gain", 0.0}, {"noise.read_noise", 0.0}}),
                         ("kernel '" + kernel +
                          "': noise.gain and noise.read_noise are both 0, so there is nothing to take out; state the "
                          "camera's, or leave both out to have them found")
                             .c_str(),
                         UserError);
}

TEST_CASE("noise of another camera, or mistyped, is refused; what is somewhat off is not") {
  const Volume image = noisy_volume({6, 60, 70});  // of kCamera
  const auto refused = [&](const std::string& kernel, const shared::NoiseModel& noise) {
    return message_of<UserError>([&] { run_on(kernel, image, stated(noise)); });
  };
  for (const std::string& kernel : kByNoise) {
    CAPTURE(kernel);
    const std::string offset = refused(kernel, {kCamera.gain, 5000, kCamera.read_noise});
    CHECK(offset.find("noise.offset is 5000, but a quarter of the image is darker than ") != std::string::npos);
    CHECK(
        offset.find("state the offset of this image's camera (annotation 'camera_offset'), or leave it out to have it "
                    "found") != std::string::npos);
    const std::string loud = refused(kernel, {0, kCamera.offset, 1e9});
    CHECK(loud.find("noise.gain 0, noise.offset 100 and noise.read_noise 1000000000 make noise of 1e+09, but the image "
                    "shows ") != std::string::npos);
    CHECK(loud.find("or leave them out to have them found") != std::string::npos);
    CHECK_NOTHROW(run_on(kernel, image, stated({kCamera.gain * 2, kCamera.offset + 5, kCamera.read_noise * 2})));
  }
}
