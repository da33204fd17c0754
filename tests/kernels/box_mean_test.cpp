#include <doctest/doctest.h>

#include "pipeline/plugins/registry.hpp"
#include "tests/kernels/block_runner.hpp"

using namespace voxflow;
using namespace voxflow::test;

TEST_CASE("the example's mean equals a sum over each box, whole and in blocks") {
  plugins::Registry registry;
  registry.load_folder(VOXFLOW_EXAMPLE_KERNELS);
  const AnyKernel& kernel = *registry.find("denoise.box_mean").kernel;
  const Volume image = make_volume<float>({{6, 11, 13}, {{{0.5}, {0.2}, {0.2}}}},
                                          [](Index z, Index y, Index x) { return (7 * z + 5 * y * x + 3 * x) % 17; });
  const Volume expected = make_volume<float>(image.grid, [&](Index z, Index y, Index x) {
    float sum = 0;
    for (Index dz = -1; dz <= 1; ++dz)
      for (Index dy = -2; dy <= 2; ++dy)
        for (Index dx = -2; dx <= 2; ++dx) sum += mirrored(image, z + dz, y + dy, x + dx);
    return sum / 75;
  });
  for (const Index3 core : {Index3{6, 11, 13}, Index3{2, 3, 5}, Index3{1, 1, 1}})
    CHECK(run_blocks(kernel, {{"radius", 0.4}}, {{{"image", {image}}}, {}}, "image", core).volumes.at("image").as() ==
          expected.as());
}
