#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "pipeline/phantom/score.hpp"
#include "tests/kernels/block_runner.hpp"
#include "tests/kernels/blurred_phantom.hpp"
#include "tests/support/messages.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

const Index3 kShape{24, 64, 72};

std::vector<float> deconvolve(const Volume& image, const Psf& psf, ParamValues params = {},
                              const Index3& core = {0, 0, 0}, int threads = 1) {
  return run_blocks(shipped_kernel("deconvolve.wiener"), params, {{{"image", {image}}}, {{"psf", psf}}}, "image", core,
                    Context(threads, nullptr))
      .volumes.at("image")
      .as();
}

Volume volume_of(const Blurred& b) {
  return {{kShape, b.psf.grid.spacing}, b.noisy};
}
}  // namespace

TEST_CASE("without noise nearly all of the blur goes") {
  Blurred b = blurred_phantom(kShape, {15, 9, 9}, {1.6, 1.0, 1.0}, 500, 0, 8);
  b.noisy = b.light;
  phantom::blur(b.noisy, {kShape, b.psf.grid.spacing}, {1.6, 1.0, 1.0});
  const double before = phantom::psnr(b.light, b.noisy);
  CHECK(phantom::psnr(b.light, deconvolve(volume_of(b), b.psf, {{"signal_to_noise", 1000.0}})) > before + 8);
}

TEST_CASE("the noise that is found is filtered out: nearer to the light than the image, for faint ones too") {
  for (const double peak : {20.0, 50.0, 200.0}) {
    const Blurred b = blurred_phantom(kShape, {15, 11, 11}, {2.0, 1.4, 1.4}, peak, 2, 6);
    std::vector<float> raw = b.noisy;
    for (float& v : raw) v -= 2;
    const auto out = deconvolve(volume_of(b), b.psf, {{"background", 2.0}});
    const double before = phantom::psnr(b.light, raw), after = phantom::psnr(b.light, out);
    MESSAGE(fmt::format("peak {}: {:.2f} dB before, {:.2f} after", peak, before, after));
    CHECK(after > before);
    CHECK(*std::min_element(out.begin(), out.end()) >= 0);
  }
}

TEST_CASE("any number of threads gives the same bits") {
  const Blurred b = blurred_phantom(kShape, {15, 11, 11}, {2.0, 1.4, 1.4}, 200, 2);
  const Volume image = volume_of(b);
  CHECK(deconvolve(image, b.psf, {}, {0, 0, 0}, 3) == deconvolve(image, b.psf));
}

TEST_CASE("a constant image stays what it is, less its background") {
  const Volume flat =
      make_volume<float>({{9, 14, 16}, {{{1.0}, {1.0}, {1.0}}}}, [](Index, Index, Index) { return 50; });
  for (const float v : deconvolve(flat, gaussian_psf({5, 5, 5}, {1, 1, 1}, flat.grid.spacing), {{"background", 20.0}}))
    REQUIRE(v == doctest::Approx(30).epsilon(1e-3));
}

TEST_CASE("without a blur, or with infinite voxels, it is refused") {
  Volume image = make_volume<float>({{3, 9, 9}, {{{1.0}, {1.0}, {1.0}}}}, [](Index, Index, Index) { return 5; });
  CHECK(message_of<UserError>([&] {
          run_blocks(shipped_kernel("deconvolve.wiener"), {}, {{{"image", {image}}}, {}}, "image");
        }).starts_with("the blur is not known; "));
  std::get<std::vector<float>>(image.voxels)[7] = std::numeric_limits<float>::infinity();
  CHECK(message_of<UserError>([&] {
          deconvolve(image, gaussian_psf({3, 3, 3}, {1, 1, 1}, image.grid.spacing));
        }).starts_with("the image holds infinite voxels"));
}

TEST_CASE("volumes thin across and long are deconvolved") {
  for (const Index3& shape : {Index3{129, 6, 7}, Index3{2, 1, 300}, Index3{1, 1, 1}}) {
    const Volume flat = make_volume<float>({shape, {{{1.0}, {1.0}, {1.0}}}}, [](Index, Index, Index) { return 50; });
    for (const float v : deconvolve(flat, gaussian_psf({5, 5, 5}, {1, 1, 1}, flat.grid.spacing)))
      REQUIRE(v == doctest::Approx(50).epsilon(1e-3));
  }
}
