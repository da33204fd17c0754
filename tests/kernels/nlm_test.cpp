#include <doctest/doctest.h>
#include <fmt/format.h>

#include "pipeline/phantom/score.hpp"
#include "tests/kernels/noisy_volumes.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

std::vector<float> denoise(const Volume& image, const ParamValues& params, const Index3& core = {0, 0, 0}) {
  return run_on("denoise.nlm", image, params, core);
}

// Runs the kernel on a series as one block whose borders repeat the volume's outermost voxels.
std::vector<std::vector<float>> denoise_series(const Index3& shape, const std::vector<std::vector<float>>& series,
                                               const ParamValues& params) {
  const auto bound = shipped_kernel("denoise.nlm").bind(params);
  Block block;
  block.core = {{0, 0, 0}, shape}, block.grid = {shape}, block.halo = bound->halo(block.grid);
  const Box3 box = grow(block.core, block.halo);
  std::vector<std::vector<float>> inputs, outputs(series.size(), std::vector<float>(series[0].size()));
  block.inputs.push_back({"image", {}, {}}), block.outputs.push_back({"image", {}, {}});
  for (const auto& voxels : series) {
    std::vector<float>& input = inputs.emplace_back();
    for (Index z = box.origin[kZ]; z < box.end(kZ); ++z)
      for (Index y = box.origin[kY]; y < box.end(kY); ++y)
        for (Index x = box.origin[kX]; x < box.end(kX); ++x) input.push_back(mirrored({block.grid, voxels}, z, y, x));
  }
  for (std::size_t t = 0; t < series.size(); ++t) {
    block.inputs[0].slices.push_back({inputs[t].data(), DType::float32, box});
    block.outputs[0].slices.push_back({outputs[t].data(), DType::float32, block.core});
  }
  Context context;
  const AnyState state = bound->prepare({});
  bound->run(state, bound->survey(state, block, context), block, context);
  return outputs;
}
}  // namespace

TEST_CASE("non-local means reach 31.5 dB at 10 photons and 37.4 dB at 50") {
  const Index3 shape{32, 128, 128};
  const std::vector<float> light = noise_free_phantom(shape, 1);
  for (const auto& [peak, wanted_dB] : {std::pair{10.0, 31.5}, {50.0, 37.4}}) {
    const Volume image{{shape}, with_noise(light, peak, kCamera, 7)};
    const std::vector<float> truth = without_noise(light, peak, kCamera);
    const double reached = phantom::psnr(truth, denoise(image, stated(kCamera)));
    MESSAGE(fmt::format("peak {}: noisy {:.2f} dB, {:.2f} dB", peak, phantom::psnr(truth, image.as()), reached));
    CHECK(reached >= wanted_dB);
  }
}

TEST_CASE("neighbours in time take out more noise, and each timepoint keeps its place") {
  const Index3 shape{1, 96, 96};
  std::vector<std::vector<float>> series, truth;
  const std::vector<float> light = noise_free_phantom({1, 96, 110}, 2);
  for (Index t = 0; t < 5; ++t) {  // moves by two voxels a timepoint
    std::vector<float> cut;
    for (Index y = 0; y < 96; ++y)
      for (Index x = 0; x < 96; ++x) cut.push_back(light[static_cast<std::size_t>(y * 110 + x + 2 * t)]);
    truth.push_back(without_noise(cut, 20, kCamera));
    series.push_back(with_noise(cut, 20, kCamera, static_cast<std::uint64_t>(10 + t)));
  }
  ParamValues params = stated(kCamera);
  const auto alone = denoise_series(shape, series, params);
  params["timepoints"] = std::int64_t{1};
  const auto together = denoise_series(shape, series, params);
  for (std::size_t t = 0; t < series.size(); ++t) {
    const double one = phantom::psnr(truth[t], alone[t]), all = phantom::psnr(truth[t], together[t]);
    MESSAGE(fmt::format("timepoint {}: alone {:.2f} dB, with its neighbours {:.2f} dB", t, one, all));
    CHECK(all > one + 0.3);
  }
}

TEST_CASE("blocks of non-local means give the bits of the whole, with found noise too") {
  for (const Index3 shape : {Index3{7, 30, 41}, Index3{1, 50, 61}}) {
    const Volume image{{shape}, with_noise(noise_free_phantom(shape, 3), 20, kCamera, 5)};
    for (const ParamValues& params : {stated(kCamera), ParamValues{}}) {
      const auto whole = denoise(image, params);
      CHECK(whole != image.as());
      for (const Index3 core : {Index3{3, 16, 7}, Index3{4, 9, 60}}) CHECK(denoise(image, params, core) == whole);
    }
  }
}
