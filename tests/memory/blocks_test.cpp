// Kernels that work block by block on images of eight times the memory that they may use.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>

#include "pipeline/conformance/fork_team.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/plugins/registry.hpp"
#include "pipeline/run/execute.hpp"

namespace {
using namespace voxflow;

constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;
constexpr std::uint64_t kStackBytes = 1 * kMegabyte;   // of the one thread at work
constexpr std::uint64_t kAroundBytes = 4 * kMegabyte;  // digests, tiles of the noise survey, the allocator's own
constexpr std::uint64_t kCodeBytes = 8 * kMegabyte;    // of libraries, resident when it is first run
const Index3 kBlocks{12, 64, 64};

// A long image that is nowhere: bright and dark stripes under noise, made when it is read.
class Stripes final : public run::ImageSource {
 public:
  explicit Stripes(Index length) {
    info_.dtype = DType::float32;
    info_.grid.shape = {kBlocks[kZ], kBlocks[kY], length};
    info_.channels = {{"c0", std::nullopt, std::nullopt}};
  }
  const record::ImageInfo& info() const override { return info_; }
  void read(int, int, const Box3& box, void* to, const Index3& stride) const override {
    for (Index z = 0; z < box.extent[kZ]; ++z)
      for (Index y = 0; y < box.extent[kY]; ++y)
        for (Index x = 0; x < box.extent[kX]; ++x)
          static_cast<float*>(to)[z * stride[kZ] + y * stride[kY] + x * stride[kX]] =
              voxel(box.origin[kZ] + z, box.origin[kY] + y, box.origin[kX] + x);
  }

 private:
  static float voxel(Index z, Index y, Index x) {
    const auto scrambled = static_cast<std::uint32_t>((z * 977 + y) * 1009 + x) * 2654435761U;
    return static_cast<float>((x / 20 % 2 == 0 ? 200U : 120U) + (scrambled >> 28));
  }
  record::ImageInfo info_;
};

// Takes every chunk and keeps none.
class Counted final : public run::ImageSink {
 public:
  void open(const std::string&, const record::ImageInfo&, DType) override {}
  void put(const std::string&, int, int, const Index3&, const archive::EncodedChunk&) override { ++chunks; }
  std::uint64_t chunks = 0;
};

std::uint64_t private_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (std::uint64_t kb = 0; word == "VmData:" && status >> kb) return kb * 1024;
  return 0;
}

run::Job job_of(const AnyKernel& kernel, const ParamValues& params, Index length) {
  run::Job job;
  job.kernel = std::shared_ptr<const AnyKernel>(&kernel, [](const AnyKernel*) {});
  job.params = params;
  job.blocks = kBlocks;
  job.images["image"] = std::make_shared<Stripes>(length);
  return job;
}

// So long that the planner reckons with nothing beside its blocks but what is the same for all.
constexpr Index kLong = Index{1} << 20;

// What one block takes, as the planner reckons it: by so much two threads need more than one.
std::uint64_t block_bytes(const run::Request& request) {
  return run::block_memory(request, 2) - run::block_memory(request, 1);
}

struct Case {
  std::string kernel;
  ParamValues params;
  std::uint64_t kept_bytes = 0;  // between blocks: spectra of PSFs
};
}  // namespace

TEST_CASE("kernels that work by blocks filter images of eight times their memory limit") {
  plugins::Registry registry;
  registry.load_folder(VOXFLOW_SHIPPED_KERNELS);
  const ParamValues noise{{"noise.gain", 1.0}, {"noise.offset", 100.0}, {"noise.read_noise", 4.0}};
  const auto with = [&](ParamValues more) {
    more.insert(noise.begin(), noise.end());
    return more;
  };
  const std::vector<double> sigma{1.0, 1.0, 1.0};
  // Slower ones are left to the conformance suite, which holds every kernel to its scratch_bytes.
  for (const auto& [name, params, kept_bytes] :
       {Case{"denoise.dct", with({{"preset", std::string("fast")}})},
        {"denoise.gaussian", {{"sigma", 1.0}}},
        {"denoise.median", {{"radius", 1.0}}},
        {"denoise.tv", {}},
        {"deconvolve.richardson_lucy",
         {{"iterations", std::int64_t{2}}, {"psf.model", std::string("gaussian")}, {"psf.sigma", sigma}},
         8 << 20}}) {
    CAPTURE(name);
    const AnyKernel& kernel = *registry.find(name).kernel;
    const std::uint64_t limit_bytes =
        block_bytes(job_of(kernel, params, kLong).request()) + kStackBytes + kAroundBytes + kept_bytes;
    const Index voxels_along_x = static_cast<Index>(8 * limit_bytes / sizeof(float)) / (kBlocks[kZ] * kBlocks[kY]) + 1;
    const run::Job job = job_of(kernel, params, voxels_along_x);
    const auto forked = conformance::run_forked(
        1,
        [&](run::Team& team) {
          log::set_level(log::Level::warning);
          pthread_attr_t threads;
          ::pthread_attr_init(&threads);
          ::pthread_attr_setstacksize(&threads, kStackBytes);
          ::pthread_setattr_default_np(&threads);
          const rlimit limit{private_bytes() + limit_bytes, RLIM_INFINITY};
          ::setrlimit(RLIMIT_DATA, &limit);
          Counted sink;
          run::execute(job, team, {}, sink);
          return ByteWriter().put(sink.chunks).take();
        },
        std::chrono::seconds(200));
    MESSAGE(fmt::format("{}: image {} MiB, limit {:.1f} MiB, resident memory grew by {:.1f} MiB", name,
                        (voxels_along_x * kBlocks[kZ] * kBlocks[kY] * 4) >> 20,
                        static_cast<double>(limit_bytes) / kMegabyte,
                        static_cast<double>(forked.grown_bytes) / kMegabyte));
    CHECK(ByteReader(forked.bytes).get<std::uint64_t>() == static_cast<std::uint64_t>((voxels_along_x + 63) / 64));
    CHECK(forked.grown_bytes <= limit_bytes + kCodeBytes);
  }
}
