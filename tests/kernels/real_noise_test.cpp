// Denoising of real photographs of which the mean of 50 is known: FMD, BPAE cells under a confocal microscope.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "pipeline/phantom/score.hpp"
#include "tests/kernels/block_runner.hpp"
#include "tests/support/nuclei.hpp"

using namespace voxflow;
using namespace voxflow::test;
namespace fs = std::filesystem;

namespace {
constexpr Index kMargin = 8;  // rows that are not compared, because they come from beyond the edge

// Rows between those of `image`, `rows` further down, by Catmull-Rom's cubic.
std::vector<float> shifted(const std::vector<float>& image, const Index3& shape, double rows) {
  const double u = 1 - rows, v = u * u, w = v * u;
  const std::array<double, 4> weights{(-u + 2 * v - w) / 2, (2 - 5 * v + 3 * w) / 2, (u + 4 * v - 3 * w) / 2,
                                      (w - v) / 2};
  std::vector<float> result(image.size());
  for (Index y = 0; y < shape[kY]; ++y)
    for (Index x = 0; x < shape[kX]; ++x) {
      double sum = 0;
      for (Index i = 0; i < 4; ++i) {
        const Index from = std::clamp<Index>(y - 2 + i, 0, shape[kY] - 1);
        sum += weights[static_cast<std::size_t>(i)] *
               static_cast<double>(image[static_cast<std::size_t>(from * shape[kX] + x)]);
      }
      result[static_cast<std::size_t>(y * shape[kX] + x)] = static_cast<float>(sum);
    }
  return result;
}

double score(const std::vector<float>& truth, const std::vector<float>& image, const Index3& shape) {
  const auto inner = [&](const std::vector<float>& v) {
    return std::vector<float>(v.begin() + kMargin * shape[kX], v.end() - kMargin * shape[kX]);
  };
  return phantom::psnr_after_fit(inner(truth), inner(image));
}
}  // namespace

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
    const auto run = [&](const char* kernel, const ParamValues& params) {
      return run_blocks(shipped_kernel(kernel), params, {{{"image", {noisy}}}, {}}, "image").volumes.at("image").as();
    };
    const std::vector<float> gaussian = run("denoise.gaussian", {{"sigma", 1.0}}), dct = run("denoise.dct", {});
    const double raw = phantom::psnr_after_fit(truth.as(), noisy.as()),
                 smooth = phantom::psnr_after_fit(truth.as(), gaussian),
                 best = phantom::psnr_after_fit(truth.as(), dct),
                 fast = phantom::psnr_after_fit(truth.as(), run("denoise.dct", {{"preset", std::string("fast")}}));
    MESSAGE(fmt::format("BPAE {}: raw {:.2f} dB, Gaussian {:.2f} dB, best {:.2f} dB, fast {:.2f} dB", stain, raw,
                        smooth, best, fast));
    CHECK(best > smooth);
    CHECK(best > fast);
    CHECK(fast > raw);
    // Each photograph lies a part of a row off the mean, which hides what a denoiser keeps: the Gaussian says how far.
    double aligned_smooth = 0, rows = 0;
    for (double tried = 0; tried < 1; tried += 0.1)
      if (const double reached = score(truth.as(), shifted(gaussian, truth.grid.shape, tried), truth.grid.shape);
          reached > aligned_smooth)
        aligned_smooth = reached, rows = tried;
    const double aligned_best = score(truth.as(), shifted(dct, truth.grid.shape, rows), truth.grid.shape);
    MESSAGE(fmt::format("BPAE {}, moved by {:.1f} rows: Gaussian {:.2f} dB, best {:.2f} dB", stain, rows,
                        aligned_smooth, aligned_best));
    CHECK(aligned_best > aligned_smooth + 0.3);
  }
}
