// bench_phase_correlation FOLDER: makes pairs of bead volumes with known shifts, writes them to FOLDER for another
// program, and prints time and error of register.phase_correlation for each.
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "bench/bench.hpp"
#include "pipeline/phantom/random.hpp"
#include "pipeline/phantom/scene.hpp"
#include "pipeline/run/execute.hpp"
#include "pipeline/run/sources.hpp"

namespace {
using namespace voxflow;
using bench::seconds_since, bench::write;

const Grid kGrid{{128, 256, 256}, {{{1.0}, {1.0}, {1.0}}}};
constexpr int kBeads = 150;
constexpr double kPhotons = 50, kBackground = 2, kReadNoise = 1.5;

std::vector<phantom::Bead> beads() {
  phantom::Random random(1, 0);
  std::vector<phantom::Bead> all(27 * kBeads);
  for (phantom::Bead& b : all) {
    for (std::size_t i = 0; i < 3; ++i) b.centre_um[i] = random.uniform(-1, 2) * static_cast<double>(kGrid.shape[i]);
    b.brightness = random.uniform(0.5, 1);
  }
  return all;
}

std::vector<float> picture(const Point3& shift, std::uint64_t noise) {
  std::vector<float> voxels = phantom::render_beads(kGrid, beads(), {1, 1, 1}, shift);
  phantom::Random random(2, noise);
  for (float& v : voxels)
    v = static_cast<float>(random.poisson(kBackground + kPhotons * static_cast<double>(v)) +
                           kReadNoise * random.normal());
  return voxels;
}

run::Job job(const plugins::Registry& registry, const std::vector<float>& fixed, const std::vector<float>& moving) {
  record::ImageInfo info;
  info.dtype = DType::float32, info.grid = kGrid;
  info.channels = {{"fixed", std::nullopt, std::nullopt}, {"moving", std::nullopt, std::nullopt}};
  std::vector<std::byte> bytes(2 * fixed.size() * sizeof(float));
  std::memcpy(bytes.data(), fixed.data(), bytes.size() / 2);
  std::memcpy(bytes.data() + bytes.size() / 2, moving.data(), bytes.size() / 2);
  run::Job j;
  j.kernel = registry.find("register.phase_correlation").kernel;
  j.images["image"] = std::make_shared<run::MemorySource>(std::move(info), std::move(bytes));
  return j;
}

void measure(const run::Job& job, const Point3& truth, int threads) {
  run::RunOptions options;
  options.threads = threads;
  double best = 1e9, error = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    run::MemorySink sink;
    const auto start = std::chrono::steady_clock::now();
    const auto result = run::execute(job, run::solo_team(), options, sink);
    best = std::min(best, seconds_since(start));
    const Point3 found = result.small.transforms.at("transform").at(0, 1).translation_um;
    error = std::hypot(found[kZ] - truth[kZ], found[kY] - truth[kY], found[kX] - truth[kX]);
  }
  fmt::print("voxflow {} {:.3f} {:.3f}\n", threads, best, error);
}
}  // namespace

int main(int argc, char** argv) {
  return bench::main_with_kernels(
      argc, argv, "bench_phase_correlation",
      [](const plugins::Registry& registry, const std::filesystem::path& folder) {
        const std::vector<float> fixed = picture({0, 0, 0}, 0);
        write(folder / "fixed.f32", fixed);
        int number = 0;
        for (const Point3& shift : {Point3{-1.37, 4.62, 7.25}, Point3{12.4, -40.7, 22.45}, Point3{51.2, 102.4, 0.3}}) {
          const std::vector<float> moving = picture(shift, static_cast<std::uint64_t>(++number));
          write(folder / fmt::format("moving_{}.f32", number), moving);
          fmt::print("case {} {} {} {}\n", number, shift[kZ], shift[kY], shift[kX]);
          for (const int threads : {1, 2}) measure(job(registry, fixed, moving), shift, threads);
        }
      });
}
