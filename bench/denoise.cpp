// bench_denoise FOLDER KERNELS: makes volumes of nuclei under photon and read noise, writes them to FOLDER for another
// program, stabilised, with the table of the inverse, and prints time and quality of the denoisers for each.
#include <fmt/format.h>

#include <cstring>
#include <ctime>
#include <filesystem>
#include <thread>
#include <vector>

#include "bench/bench.hpp"
#include "kernels/shared/anscombe.hpp"
#include "pipeline/phantom/score.hpp"
#include "pipeline/run/execute.hpp"
#include "pipeline/run/sources.hpp"
#include "tests/kernels/noise_phantom.hpp"

namespace {
using namespace voxflow;
using bench::seconds_since, bench::write;

const Grid kGrid{{64, 256, 256}, {{{1.0}, {1.0}, {1.0}}}};
const shared::NoiseModel kNoise{2, 100, 3};

run::Job job(const plugins::Registry& registry, const std::string& kernel, ParamValues params,
             const std::vector<float>& image) {
  record::ImageInfo info;
  info.dtype = DType::float32, info.grid = kGrid;
  info.channels = {{"light", std::nullopt, std::nullopt}};
  std::vector<std::byte> bytes(image.size() * sizeof(float));
  std::memcpy(bytes.data(), image.data(), bytes.size());
  run::Job j;
  j.kernel = registry.find(kernel).kernel;
  j.params = std::move(params);
  j.images["image"] = std::make_shared<run::MemorySource>(std::move(info), std::move(bytes));
  return j;
}

struct Alone {
  double survey_s = 1e9, run_s = 1e9;
};

// Processor time of the kernel on the whole volume: without reading, blocks, compression and digests, nor other
// programs.
Alone kernel_alone(const run::Job& job, std::vector<float> image) {
  const auto bound = job.kernel->bind(job.params);
  std::vector<float> result(image.size());
  Block block;
  block.core = kGrid.box(), block.grid = kGrid, block.slice = {0, 0};
  block.inputs.push_back({"image", {{image.data(), DType::float32, kGrid.box()}}, {{0, 0}}});
  block.outputs.push_back({"image", {{result.data(), DType::float32, kGrid.box()}}, {}});
  Context context;
  Alone best;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const std::clock_t start = std::clock();
    const AnySurvey survey = bound->survey(nullptr, block, context);
    const std::clock_t surveyed = std::clock();
    bound->run(nullptr, survey, block, context);
    best.survey_s = std::min(best.survey_s, static_cast<double>(surveyed - start) / CLOCKS_PER_SEC);
    best.run_s = std::min(best.run_s, static_cast<double>(std::clock() - surveyed) / CLOCKS_PER_SEC);
  }
  return best;
}

// Bytes a second of a[i] = b[i] + 3 c[i], over arrays far larger than the caches.
double memory_bandwidth(int threads) {
  constexpr std::size_t kValues = std::size_t{1} << 24;
  std::vector<float> a(kValues), b(kValues, 1.0F), c(kValues, 2.0F);
  double best_s = 1e9;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::jthread> workers;
    for (int t = 0; t < threads; ++t)
      workers.emplace_back([&, t] {
        const std::size_t share = kValues / static_cast<std::size_t>(threads);
        for (std::size_t i = share * static_cast<std::size_t>(t), end = i + share; i < end; ++i) a[i] = b[i] + 3 * c[i];
      });
    workers.clear();
    best_s = std::min(best_s, seconds_since(start));
  }
  return 3 * sizeof(float) * static_cast<double>(kValues) / best_s;
}

void measure(const run::Job& job, const std::string& name, const std::vector<float>& truth, int threads,
             int repeats = 3) {
  run::RunOptions options;
  options.threads = threads;
  double best = 1e9, quality_dB = 0;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    run::MemorySink sink;
    const auto start = std::chrono::steady_clock::now();
    run::execute(job, run::solo_team(), options, sink);
    best = std::min(best, seconds_since(start));
    quality_dB = phantom::psnr(truth, {sink.image("image").volume<float>().data(), truth.size()});
  }
  fmt::print("voxflow {} {} {:.4f} {:.3f}\n", name, threads, best, quality_dB);
}
}  // namespace

int main(int argc, char** argv) {
  return bench::main_with_kernels(
      argc, argv, "bench_denoise", [](const plugins::Registry& registry, const std::filesystem::path& folder) {
        for (const int threads : {1, 2}) fmt::print("bandwidth {} {:.3f}\n", threads, memory_bandwidth(threads) * 1e-9);
        const std::vector<float> light = test::noise_free_phantom(kGrid.shape, 1);
        const shared::Anscombe transform(kNoise);
        std::vector<float> stabilised_values, intensities;
        for (int i = 0; i < 4000; ++i) stabilised_values.push_back(static_cast<float>(i) / 100);
        intensities.resize(stabilised_values.size());
        transform.inverse(stabilised_values.data(), static_cast<Index>(intensities.size()), intensities.data());
        write(folder / "stabilised.f32", stabilised_values);
        write(folder / "intensities.f32", intensities);
        for (const int peak : {10, 50}) {
          const std::vector<float> truth = test::without_noise(light, peak, kNoise),
                                   noisy = test::with_noise(light, peak, kNoise, 7);
          std::vector<float> stabilised(noisy.size());
          transform.forward(noisy.data(), static_cast<Index>(noisy.size()), stabilised.data());
          write(folder / fmt::format("truth_{}.f32", peak), truth);
          write(folder / fmt::format("noisy_{}.f32", peak), stabilised);
          fmt::print("case {} {:.3f}\n", peak, phantom::psnr(truth, noisy));
          const auto compare = [&](const char* kernel, const char* name, const ParamValues& params) {
            const run::Job denoise = job(registry, kernel, params, noisy);
            for (const int threads : {1, 2}) measure(denoise, name, truth, threads);
            const Alone alone = kernel_alone(denoise, noisy);
            fmt::print("alone {} {:.4f} {:.4f}\n", name, alone.survey_s, alone.run_s);
          };
          const auto once = [&](const char* name) {
            for (const int threads : {1, 2})
              measure(job(registry, fmt::format("denoise.{}", name), {}, noisy), name, truth, threads, 1);
          };
          once("anisotropic");  // first: the others are compared with it
          for (const char* preset : {"best", "fast"}) compare("denoise.dct", preset, {{"preset", std::string(preset)}});
          compare("denoise.tv", "tv", {});
          once("nlm");
        }
      });
}
