// What the planner is told of a task before it runs.
#include "pipeline/run/geometry.hpp"

#include <doctest/doctest.h>

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
