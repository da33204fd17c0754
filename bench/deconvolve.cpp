// bench_deconvolve FOLDER KERNELS: makes blurred volumes with photon noise, writes one to FOLDER for another program,
// and prints times of deconvolve.richardson_lucy, of ITK's filter, of the transforms that an iteration cannot do
// without, and of memory; and the quality that iterations reach.
#include <fftw3.h>
#include <fmt/format.h>
#include <itkImage.h>
#include <itkMultiThreaderBase.h>
#include <itkRichardsonLucyDeconvolutionImageFilter.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <thread>

#include "bench/bench.hpp"
#include "kernels/shared/convolution.hpp"
#include "pipeline/phantom/score.hpp"
#include "pipeline/run/execute.hpp"
#include "pipeline/run/sources.hpp"
#include "tests/kernels/blurred_phantom.hpp"

namespace {
using namespace voxflow;
using bench::seconds_since, bench::write;
using Clock = std::chrono::steady_clock;

const Grid kGrid{{128, 256, 256}, {{{1.0}, {1.0}, {1.0}}}};
constexpr int kIterations = 5;  // that are timed: those of 1 + kIterations less that of one

// Least seconds of three times.
template <class F>
double best_of_three(const F& work) {
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const auto start = Clock::now();
    work();
    best = std::min(best, seconds_since(start));
  }
  return best;
}

// Two real transforms each way of volumes padded to `shape`.
double transforms(const Index3& shape, int threads) {
  fftwf_plan_with_nthreads(threads);
  const shared::FftBuffer buffer(shape);
  buffer.fill(1);
  const auto nz = static_cast<int>(shape[kZ]), ny = static_cast<int>(shape[kY]), nx = static_cast<int>(shape[kX]);
  auto* spectrum = reinterpret_cast<fftwf_complex*>(buffer.data());
  auto* forward = fftwf_plan_dft_r2c_3d(nz, ny, nx, buffer.data(), spectrum, FFTW_ESTIMATE);
  auto* backward = fftwf_plan_dft_c2r_3d(nz, ny, nx, spectrum, buffer.data(), FFTW_ESTIMATE);
  const double seconds = best_of_three([&] {
    for (int i = 0; i < 2; ++i) {
      fftwf_execute(forward);
      const float scale = 1 / static_cast<float>(count(shape));
      std::for_each(buffer.data(), buffer.data() + 64, [&](float& v) { v *= scale; });
      fftwf_execute(backward);
      buffer.fill(1);
    }
  });
  const double filling = best_of_three([&] { buffer.fill(1), buffer.fill(1); });
  fftwf_destroy_plan(forward), fftwf_destroy_plan(backward);
  return seconds - filling;
}

// Bytes a second of a[i] = b[i] + s c[i].
double bandwidth(int threads) {
  constexpr std::size_t kFloats = std::size_t{1} << 25;
  std::vector<float> a(kFloats), b(kFloats, 1), c(kFloats, 2);
  const double seconds = best_of_three([&] {
    std::vector<std::jthread> at_work;
    for (int t = 0; t < threads; ++t)
      at_work.emplace_back([&, t] {
        const std::size_t part = kFloats / static_cast<std::size_t>(threads),
                          first = part * static_cast<std::size_t>(t);
        for (std::size_t i = first; i < first + part; ++i) a[i] = b[i] + 0.5F * c[i];
      });
  });
  return 3.0 * kFloats * sizeof(float) / seconds;
}

// The kernel on the whole volume, without reading, compression and digests.
double kernel_alone(const AnyKernel& kernel, const ParamValues& params, const test::Blurred& image, int threads) {
  fftwf_plan_with_nthreads(1);  // or the kernel's plans would start threads of their own in each of its threads
  const auto bound = kernel.bind(params);
  Geometry geometry;
  geometry.grid = kGrid, geometry.small["psf"] = image.psf, geometry.connected = {"image", "psf"};
  const AnyState state = bound->prepare(geometry);
  Block block;
  block.core = kGrid.box(), block.grid = kGrid, block.slice = {0, 0};
  const Box3 box = bound->footprint(state, block.core, block.slice, kGrid);
  std::vector<float> voxels;
  for (Index z = box.origin[kZ]; z < box.end(kZ); ++z)
    for (Index y = box.origin[kY]; y < box.end(kY); ++y)
      for (Index x = box.origin[kX]; x < box.end(kX); ++x) {
        const auto at = [&](Index i, std::size_t axis) { return std::clamp<Index>(i, 0, kGrid.shape[axis] - 1); };
        voxels.push_back(image.noisy[static_cast<std::size_t>(
            (at(z, kZ) * kGrid.shape[kY] + at(y, kY)) * kGrid.shape[kX] + at(x, kX))]);
      }
  std::vector<float> result(image.noisy.size());
  block.inputs.push_back({"image", {{voxels.data(), DType::float32, box}}, {{0, 0}}});
  block.outputs.push_back({"image", {{result.data(), DType::float32, kGrid.box()}}, {}});
  Context context(threads, nullptr);
  const AnySurvey survey = bound->survey(state, block, context);
  return best_of_three([&] { bound->run(state, survey, block, context); });
}

double itk_alone(const test::Blurred& image, int iterations, int threads) {
  using Image = itk::Image<float, 3>;
  const auto import = [](const Index3& shape, const std::vector<float>& voxels) {
    auto made = Image::New();
    made->SetRegions(
        Image::SizeType{{static_cast<itk::SizeValueType>(shape[kX]), static_cast<itk::SizeValueType>(shape[kY]),
                         static_cast<itk::SizeValueType>(shape[kZ])}});
    made->Allocate();
    std::copy(voxels.begin(), voxels.end(), made->GetBufferPointer());
    return made;
  };
  const auto blurred = import(kGrid.shape, image.noisy), psf = import(image.psf.grid.shape, image.psf.voxels);
  itk::MultiThreaderBase::SetGlobalMaximumNumberOfThreads(static_cast<itk::ThreadIdType>(threads));
  itk::MultiThreaderBase::SetGlobalDefaultNumberOfThreads(static_cast<itk::ThreadIdType>(threads));
  const auto start = Clock::now();
  auto filter = itk::RichardsonLucyDeconvolutionImageFilter<Image>::New();
  filter->SetInput(blurred), filter->SetKernelImage(psf);
  filter->SetNumberOfIterations(static_cast<unsigned>(iterations));
  filter->NormalizeOn();
  filter->Update();
  return seconds_since(start);
}

// A whole task, blocks, compression and digests with it.
double task(const std::shared_ptr<const AnyKernel>& kernel, const ParamValues& params, const test::Blurred& image,
            int threads) {
  fftwf_plan_with_nthreads(1);
  record::ImageInfo info;
  info.dtype = DType::float32, info.grid = kGrid, info.channels = {{"light", std::nullopt, std::nullopt}};
  std::vector<std::byte> bytes(image.noisy.size() * sizeof(float));
  std::memcpy(bytes.data(), image.noisy.data(), bytes.size());
  run::Job job;
  job.kernel = kernel, job.params = params, job.small.values["psf"] = image.psf;
  job.images["image"] = std::make_shared<run::MemorySource>(std::move(info), std::move(bytes));
  run::RunOptions options;
  options.threads = threads;
  return best_of_three([&] {
    run::MemorySink sink;
    run::execute(job, run::solo_team(), options, sink);
  });
}

void print_speed(const std::shared_ptr<const AnyKernel>& kernel, const std::filesystem::path& folder) {
  const test::Blurred image = test::blurred_phantom(kGrid.shape, {33, 33, 33}, {2.5, 1.4, 1.4}, 200, 2);
  write(folder / "noisy.f32", image.noisy);
  write(folder / "psf.f32", image.psf.voxels);
  const ParamValues matched{{"back_projector", std::string("matched")}, {"tv", 0.0}, {"background", 2.0}},
      standard{{"background", 2.0}};
  for (const int threads : {1, 2}) {
    // The least of rounds in which each has its turn, so that others at work on the machine slow all of them alike.
    std::map<std::string, double> least;
    const auto take = [&](const std::string& what, double seconds) {
      const auto at = least.try_emplace(what, seconds).first;
      at->second = std::min(at->second, seconds);
    };
    const auto alone = [&](ParamValues params, int iterations) {
      params["iterations"] = std::int64_t{iterations};
      return kernel_alone(*kernel, params, image, threads);
    };
    for (int round = 0; round < 3; ++round) {
      take("bound", transforms({160, 288, 288}, threads));
      for (const int iterations : {1, 1 + kIterations}) {
        take(fmt::format("matched_{}", iterations), alone(matched, iterations));
        take(fmt::format("standard_{}", iterations), alone(standard, iterations));
        take(fmt::format("itk_{}", iterations), itk_alone(image, iterations, threads));
      }
    }
    take("five", kernel_alone(*kernel, standard, image, threads));
    take("task", task(kernel, standard, image, threads));
    fmt::print("bandwidth {} {:.6g}\n", threads, bandwidth(threads));
    for (const std::string what : {"matched", "standard", "itk"})
      least[what] = (least[fmt::format("{}_{}", what, 1 + kIterations)] - least[what + "_1"]) / kIterations;
    for (const auto& [what, seconds] : least) fmt::print("{} {} {:.6g}\n", what, threads, seconds);
  }
}
}  // namespace

int main(int argc, char** argv) {
  fftwf_init_threads();
  return bench::main_with_kernels(argc, argv, "bench_deconvolve",
                                  [](const plugins::Registry& registry, const std::filesystem::path& folder) {
                                    print_speed(registry.find("deconvolve.richardson_lucy").kernel, folder);
                                  });
}
