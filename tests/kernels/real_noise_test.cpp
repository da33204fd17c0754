// Denoising of real photographs of which the mean of 50 is known: FMD, BPAE cells under a confocal microscope.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "pipeline/phantom/score.hpp"
#include "tests/kernels/block_runner.hpp"
#include "tests/support/nuclei.hpp"

using namespace voxflow;
using namespace voxflow::test;
namespace fs = std::filesystem;

TEST_CASE(
    "denoise.dct comes nearer to the mean of 50 photographs than a Gaussian of one voxel, with the noise it finds") {
  const char* named = std::getenv("VOXFLOW_TEST_DATA");
  const fs::path folder =
      fs::path(named != nullptr ? named : VOXFLOW_SOURCE_DIR "/../shared/data") / "fmd_confocal_noise2fast";
  if (!fs::exists(folder)) {
    MESSAGE("skipped: " << folder.string() << " is not there; VOXFLOW_TEST_DATA names the folder of the real data");
    return;
  }
  for (const char* stain : {"B", "G", "R"}) {
    const auto read = [&](const char* kind) {
      auto [shape, voxels] = read_tiff<float>(folder / kind / fmt::format("BPAE_{}.tif", stain));
      return Volume{{shape}, std::move(voxels)};
    };
    const Volume truth = read("Confocal"), noisy = read("Confocal_gaussianpoisson");
    const auto score = [&](const char* kernel, const ParamValues& params) {
      const auto result = run_blocks(shipped_kernel(kernel), params, {{{"image", {noisy}}}, {}}, "image");
      return phantom::psnr_after_fit(truth.as(), result.volumes.at("image").as());
    };
    const double raw = phantom::psnr_after_fit(truth.as(), noisy.as()),
                 smooth = score("denoise.gaussian", {{"sigma", 1.0}}), best = score("denoise.dct", {}),
                 fast = score("denoise.dct", {{"preset", std::string("fast")}});
    MESSAGE(fmt::format("BPAE {}: raw {:.2f} dB, Gaussian {:.2f} dB, best {:.2f} dB, fast {:.2f} dB", stain, raw,
                        smooth, best, fast));
    CHECK(best > smooth);
    CHECK(best > fast);
    CHECK(fast > raw);
  }
}
