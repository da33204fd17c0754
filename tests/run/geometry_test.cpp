// What the planner is told of a task before it runs.
#include "pipeline/run/geometry.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <limits>

#include "tests/run/harness.hpp"

using namespace voxflow;
using namespace voxflow::test;

namespace {
template <class K>
run::Request request(std::map<std::string, record::ImageInfo> images, ParamValues params = {}) {
  static const auto kernel = make_kernel<K>();
  run::Request r;
  r.kernel = kernel.get();
  r.images = std::move(images), r.params = std::move(params);
  return r;
}

struct Nearly : Scale {
  static void describe(KernelSchema<Params>& k) {
    Scale::describe(k);
    k.name("test.nearly").blockwise_within(1e-3);
  }
};

// Only emits, one PSF as large as its radius says; its inputs have to be single-channel images.
struct Emits {
  using Params = RadiusParams;
  using State = Grid;
  static void describe(KernelSchema<Params>& k) {
    k.name("test.emits").version(1).summary("A PSF of ones.").nan(NanPolicy::ignored);
    k.input("image", any_real);
    k.input("model", psf).optional();
    k.output("psf", psf);
    k.param(&Params::radius, "radius").range(0, 50).doc("Half of the PSF's length in x.");
  }
  void check(const Params& p) const {
    if (p.radius == 7) throw UserError("7 is no radius");
  }
  void check(const Params&, const Geometry& geometry) const {
    if (geometry.channels > 2) throw UserError(fmt::format("{} channels are too many", geometry.channels));
    if (geometry.connected.contains("model")) throw UserError("a model is connected");
  }
  State prepare(const Params&, const Geometry& geometry) const { return geometry.grid; }
  SmallValues emit(const Params& p, const State& image, const Slice&) const {
    const Index n = 2 * p.radius + 1;
    return {{"psf", Psf{{{1, 1, n}, image.spacing}, std::vector<float>(static_cast<std::size_t>(n), 1.0F)}}};
  }
};

struct Outside : Scale {
  static void describe(KernelSchema<Params>& k) {
    Scale::describe(k);
    k.name("test.outside").external({"true"});
  }
};
}  // namespace

TEST_CASE("outputs are predicted with kind, voxel type, grid and channels") {
  const auto image = image_info({4, 5, 6}, DType::uint16, 2, 3);
  const auto mask = run::predict_output(request<AboveMean>({{"image", image}})).at("mask");
  CHECK(mask.kind == record::ImageKind::mask);
  CHECK(mask.dtype == DType::uint8);
  CHECK(mask.timepoints == 2);
  CHECK(mask.channels == image.channels);
  CHECK(run::predict_output(request<Shift>({{"image", image}})).at("image").grid.shape == Index3{4, 5, 3});
  auto narrowed = request<Scale>({{"image", image}});
  narrowed.channels = {2};
  CHECK(run::predict_output(narrowed).at("image").channels[0].name == "c2");
}

TEST_CASE("the block shape is part of the identity where the result depends on it, or where one is wished") {
  const auto image = image_info({200, 200, 200}, DType::uint16);
  CHECK_FALSE(run::block_shape(request<Scale>({{"image", image}})));
  CHECK(run::block_shape(request<Nearly>({{"image", image}})) == Index3{128, 128, 128});
  auto wish = request<Scale>({{"image", image}});
  wish.blocks = Index3{64, 64, 64};
  CHECK(run::block_shape(wish) == Index3{64, 64, 64});
}

TEST_CASE("ranks share blocks, timepoints and channels") {
  CHECK(run::work_units(request<Scale>({{"image", image_info({200, 200, 200}, DType::uint16)}})) == 8);
  CHECK(run::work_units(request<Scale>({{"image", image_info({200, 200, 200}, DType::uint16, 3, 2)}})) == 48);
  CHECK(run::work_units(request<Scale>({{"image", image_info({4, 5, 6}, DType::uint16)}})) == 1);
}

TEST_CASE("ranks share groups of slices, and memory holds the largest group, not all slices") {
  const auto needed = [](int timepoints, int channels) {
    return run::block_memory(
        request<ChannelSteps>({{"image", image_info({256, 256, 256}, DType::uint16, timepoints, channels)}}), 1);
  };
  CHECK(needed(100, 3) == needed(1, 2));
  CHECK(run::work_units(request<ChannelSteps>({{"image", image_info({9, 9, 9}, DType::uint16, 5, 3)}})) == 10);
}

TEST_CASE("memory follows blocks and threads, not the volume") {
  const auto small = run::block_memory(request<Scale>({{"image", image_info({256, 256, 256}, DType::uint16)}}), 1);
  const auto large = run::block_memory(request<Scale>({{"image", image_info({2560, 2560, 2560}, DType::uint16)}}), 1);
  CHECK(large <= small + (std::uint64_t{64} << 20));
  CHECK(run::block_memory(request<Scale>({{"image", image_info({2560, 2560, 2560}, DType::uint16)}}), 2) > large);
}

TEST_CASE("threads that share a block need little more memory than one") {
  const auto needed = [](const Index3& shape, int threads) {
    return run::block_memory(request<Scale>({{"image", image_info(shape, DType::uint16)}}), threads);
  };
  CHECK(needed({64, 64, 64}, 2) < needed({64, 64, 64}, 1) * 110 / 100);
  CHECK(needed({128, 128, 256}, 2) > needed({128, 128, 256}, 1) * 110 / 100);
}

TEST_CASE("a kernel is asked whether its inputs fit when a run is planned, of channels as the step narrows them") {
  auto r = request<Emits>({{"image", image_info({4, 5, 6}, DType::uint16, 1, 3)}});
  CHECK_THROWS_WITH_AS(run::predict_output(r), "kernel 'test.emits': 3 channels are too many", UserError);
  r.channels = {0, 2};
  CHECK(run::predict_output(r).empty());
  r.connected = {"model"};
  CHECK_THROWS_WITH_AS(run::predict_output(r), "kernel 'test.emits': a model is connected", UserError);
}

TEST_CASE("common parameters need not be complete where every channel has its own") {
  auto r = request<Emits>({{"image", image_info({4, 5, 6}, DType::uint16, 1, 2)}}, {{"radius", std::int64_t{7}}});
  CHECK_THROWS_WITH_AS(run::bind_all(r), "kernel 'test.emits': 7 is no radius", UserError);
  r.params_by_channel = {{0, {{"radius", std::int64_t{1}}}}};
  CHECK_THROWS_AS(run::bind_all(r), UserError);
  r.params_by_channel[1] = {{"radius", std::int64_t{2}}};
  CHECK(run::bind_all(r).size() == 3);
}

TEST_CASE("a kernel that only emits reads no block, and takes no memory for one") {
  struct Unread final : run::ImageSource {
    record::ImageInfo facts = image_info({400, 1000, 1000}, DType::uint16, 1, 2);
    const record::ImageInfo& info() const override { return facts; }
    void read(int, int, const Box3&, void*, const Index3&) const override { throw InternalError("it was read"); }
  };
  run::Job job = make_job<Emits>({{"image", std::make_shared<Unread>()}}, {{"radius", std::int64_t{1}}});
  job.params_by_channel[1] = {{"radius", std::int64_t{2}}};
  const Outcome out = run_job(job);
  CHECK(out.result.memory_estimate_bytes < (std::uint64_t{400} << 20));
  const std::vector<Psf>& psfs = out.result.small.psfs.at("psf");
  REQUIRE(psfs.size() == 2);
  // The smaller one stands in the middle of zeros.
  CHECK(psfs[0].voxels == std::vector<float>{0, 1, 1, 1, 0});
  CHECK(psfs[1].voxels == std::vector<float>{1, 1, 1, 1, 1});
  CHECK(psfs[0].grid == psfs[1].grid);
}

TEST_CASE("inputs that do not fit are refused with what is allowed") {
  const auto a = image_info({4, 5, 6}, DType::uint16, 1, 2), b = image_info({4, 5, 7}, DType::uint16, 1, 2);
  CHECK_THROWS_WITH_AS(run::predict_output(request<Scale>({})), "input 'image' of kernel 'test.scale' is not connected",
                       UserError);
  CHECK_THROWS_WITH_AS(run::predict_output(request<Scale>({{"image", a}, {"imag", a}})),
                       "kernel 'test.scale' has no input 'imag'; did you mean 'image'?", UserError);
  CHECK_THROWS_WITH_AS(
      run::predict_output(request<Add>({{"image", a}, {"other", b}})),
      "kernel 'test.add' wants inputs of one shape: 'other' is 4 x 5 x 7 voxels (z, y, x), the others 4 x 5 x 6",
      UserError);
  CHECK_THROWS_WITH_AS(
      run::predict_output(request<Add>({{"image", a}, {"other", image_info({4, 5, 6}, DType::uint16, 1, 3)}})),
      "input 'image' has 2 channels, input 'other' has 3; allowed are as many, or one for all", UserError);
  CHECK_THROWS_WITH_AS(run::predict_output(request<Components>({{"mask", a}})),
                       "input 'mask' takes a mask, the image is image of uint16", UserError);
  CHECK_THROWS_WITH_AS(run::predict_output(request<Outside>({{"image", a}})),
                       "kernel 'test.outside' is an external command, which this version of voxflow does not run",
                       UserError);
  auto by_channel = request<ChannelMax>({{"image", a}});
  by_channel.params_by_channel[0] = {};
  CHECK_THROWS_WITH_AS(run::predict_output(by_channel),
                       "kernel 'test.channel_max' sees all channels at once, so parameters cannot differ between them",
                       UserError);
}

TEST_CASE("an image without a spacing is refused by every kernel, when a run is planned") {
  for (const double spacing : {0.0, -0.2, std::numeric_limits<double>::quiet_NaN()}) {
    auto image = image_info({4, 5, 6}, DType::uint16);
    image.grid.spacing[kY] = {spacing};
    CHECK_THROWS_WITH_AS(run::predict_output(request<Scale>({{"image", image}})),
                         fmt::format("input 'image': the image's spacing along y is {} um, allowed is more than 0; "
                                     "import it again with --spacing",
                                     spacing)
                             .c_str(),
                         UserError);
  }
}
