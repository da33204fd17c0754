// Deconvolution of images of which the light is known (flowdec's bars), and with a PSF measured on a microscope's
// beads.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "pipeline/phantom/score.hpp"
#include "tests/kernels/block_runner.hpp"
#include "tests/kernels/blurred_phantom.hpp"
#include "tests/support/nuclei.hpp"

using namespace voxflow;
using namespace voxflow::test;
namespace fs = std::filesystem;

namespace {
std::optional<fs::path> data_folder(const char* name) {
  const char* named = std::getenv("VOXFLOW_TEST_DATA");
  const fs::path folder = fs::path(named != nullptr ? named : VOXFLOW_SOURCE_DIR "/../shared/data") / name;
  if (fs::exists(folder)) return folder;
  MESSAGE("skipped: " << folder.string() << " is not there; VOXFLOW_TEST_DATA names the folder of the real data");
  return std::nullopt;
}

Volume read(const fs::path& file, const Spacing3& spacing) {
  auto [shape, voxels] = read_tiff<float>(file);
  return {{shape, spacing}, std::move(voxels)};
}

std::vector<float> deconvolve(const Volume& image, const Psf& psf, const ParamValues& params) {
  return run_blocks(shipped_kernel("deconvolve.richardson_lucy"), params, {{{"image", {image}}}, {{"psf", psf}}},
                    "image", {0, 0, 0}, Context(2, nullptr))
      .volumes.at("image")
      .as();
}

// Standard deviation over mean of the volume's profile along x: how much of a grid of vertical bars is seen.
double contrast(const Index3& shape, const std::vector<float>& voxels) {
  std::vector<double> profile(static_cast<std::size_t>(shape[kX]));
  for (std::size_t i = 0; i < voxels.size(); ++i) profile[i % profile.size()] += static_cast<double>(voxels[i]);
  double mean = 0, squares = 0;
  for (const double p : profile) mean += p / static_cast<double>(profile.size());
  for (const double p : profile) squares += (p - mean) * (p - mean) / static_cast<double>(profile.size());
  return std::sqrt(squares) / mean;
}
}  // namespace

TEST_CASE("flowdec's bars come to 28.7 dB within 30 iterations") {
  const auto folder = data_folder("flowdec_bars");
  if (!folder) return;
  const Spacing3 spacing{{{1.0}, {1.0}, {1.0}}};
  const Volume truth = read(*folder / "actual.tif", spacing), image = read(*folder / "data.tif", spacing),
               kernel = read(*folder / "kernel.tif", spacing);
  const Psf psf{kernel.grid, kernel.as()};
  const auto score = [&](const ParamValues& params) {
    return phantom::psnr_after_fit(truth.as(), deconvolve(image, psf, params));
  };
  const std::string matched = "matched";
  const double raw = phantom::psnr_after_fit(truth.as(), image.as()), standard = score({}),
               ten = score({{"iterations", std::int64_t{10}}}),
               // The bars hold next to no noise: none of it to hold down.
      ten_free = score({{"iterations", std::int64_t{10}}, {"tv", 0.0}}),
               thirty = score({{"back_projector", matched}, {"accelerated", true}, {"iterations", std::int64_t{30}}}),
               // 1.5 times the signal-to-noise is the number of accelerated iterations: 30.
      thirty_free = score({{"back_projector", matched}, {"accelerated", true}, {"tv", 0.0}, {"signal_to_noise", 20.0}});
  MESSAGE(fmt::format(
      "bars: raw {:.2f} dB, default {:.2f}, 10 iterations {:.2f}, without regularisation {:.3f}, 30 matched "
      "and accelerated {:.2f}, without regularisation {:.3f}",
      raw, standard, ten, ten_free, thirty, thirty_free));
  CHECK(standard > raw + 2);
  CHECK(ten_free >= 28.7);
  CHECK(thirty_free >= 28.7);
}

TEST_CASE("real nuclei, blurred and with photon noise, come nearer to what they were") {
  const auto folder = data_folder("idr0062_6001240");
  if (!folder) return;
  const Spacing3 spacing{{{0.5002}, {0.3604}, {0.3604}}};
  const Volume nuclei = read(*folder / "converted_tiff" / "DAPI.tif", spacing);
  // From the middle of the embryo.
  const Index3 shape{64, 128, 128}, from{86, 73, 71};
  const Index3& whole = nuclei.grid.shape;
  std::vector<float> light;
  for (Index z = 0; z < shape[kZ]; ++z)
    for (Index y = 0; y < shape[kY]; ++y)
      for (Index x = 0; x < shape[kX]; ++x)
        light.push_back(nuclei.as()[static_cast<std::size_t>(((z + from[kZ]) * whole[kY] + y + from[kY]) * whole[kX] +
                                                             x + from[kX])]);
  const float highest = *std::max_element(light.begin(), light.end());
  const Point3 sigma{2.5, 1.5, 1.5};
  const Psf psf = gaussian_psf({21, 13, 13}, sigma, spacing);
  struct Case {
    double peak, gain_dB;
  };
  // The nuclei have noise of their own, which is lost and counts as an error: the more so, the less there is of ours.
  for (const auto& [peak, gain_dB] : {Case{50, 1.2}, Case{200, 0.6}}) {
    std::vector<float> truth = light;
    for (float& v : truth) v *= static_cast<float>(peak) / highest;
    Volume image{{shape, spacing}, truth};
    auto& voxels = std::get<std::vector<float>>(image.voxels);
    phantom::blur(voxels, image.grid, sigma);
    phantom::Random random(7, 0);
    for (float& v : voxels) v = static_cast<float>(random.poisson(static_cast<double>(v)));
    const double before = phantom::psnr(truth, voxels), after = phantom::psnr(truth, deconvolve(image, psf, {})),
                 sixty = phantom::psnr(truth, deconvolve(image, psf,
                                                         {{"back_projector", std::string("matched")},
                                                          {"tv", 0.0},
                                                          {"iterations", std::int64_t{60}}}));
    MESSAGE(
        fmt::format("nuclei of {} photons: blurred and noisy {:.2f} dB, restored {:.2f}, 60 plain iterations {:.2f}",
                    peak, before, after, sixty));
    CHECK(after > before + gain_dB);
    CHECK(after > sixty);
  }
}

TEST_CASE("the PSF of a confocal microscope is measured on its beads, and brings out its grid") {
  const auto folder = data_folder("bian_bead_grid_confocal");
  if (!folder) return;
  const Spacing3 spacing{{{0.125}, {0.0225}, {0.0225}}};
  const Volume beads = read(*folder / "Bead_Image1_crop.tif", spacing),
               sample = read(*folder / "DeconvolutionSampleVerticalGrid1AU-crop.tif", spacing);
  const auto measured = run_blocks(shipped_kernel("psf.measure"), {}, {{{"image", {beads}}}, {}}, "image").small;
  const auto fates = std::get<std::vector<std::string>>(std::get<Table>(measured.at("beads")).column("fate").values);
  const auto used = std::count(fates.begin(), fates.end(), "used");
  const Psf& psf = std::get<Psf>(measured.at("psf"));
  const auto out = deconvolve(sample, psf, {});
  double light = 0, before = 0;
  for (std::size_t i = 0; i < out.size(); ++i) light += static_cast<double>(out[i]), before += sample.as()[i];
  MESSAGE(fmt::format("{} of {} beads used; contrast {:.4f} before, {:.4f} after; light {:.4f}", used, fates.size(),
                      contrast(sample.grid.shape, sample.as()), contrast(sample.grid.shape, out), light / before));
  CHECK(used == 4);
  CHECK(contrast(sample.grid.shape, out) > contrast(sample.grid.shape, sample.as()));
  CHECK(light == doctest::Approx(before).epsilon(0.01));
}
