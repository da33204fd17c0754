#include <doctest/doctest.h>
#include <fmt/format.h>

#include <limits>

#include "tests/kernels/block_runner.hpp"
#include "tests/kernels/noise_phantom.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;
using shared::NoiseModel;

NoiseModel estimate(const Volume& image, const ParamValues& params = {}, const Index3& core = {0, 0, 0}) {
  const auto outputs = run_blocks(shipped_kernel("noise.estimate"), params, {{{"image", {image}}}, {}}, "image", core);
  const auto& row = std::get<Table>(outputs.small.at("noise"));
  const auto number = [&](const char* name) { return std::get<std::vector<double>>(row.column(name).values).at(0); };
  return {number("gain"), number("offset"), number("read_noise")};
}

std::string text(const NoiseModel& n) {
  return fmt::format("gain {}, offset {}, read noise {}", n.gain, n.offset, n.read_noise);
}
}  // namespace

TEST_CASE("gain is found within 5 %, and read noise within 10 % where signal does not dominate") {
  const Index3 shape{64, 256, 256};
  const std::vector<float> light = noise_free_phantom(shape, 1);
  for (const auto& [peak, noise] :
       {std::pair{10.0, NoiseModel{2, 100, 3}}, {50, {2, 100, 3}}, {200, {2, 100, 3}}, {50, {0.46, 100, 1.6}}}) {
    for (const std::uint64_t seed : {9, 10, 11}) {
      const Volume image{{shape, {}}, with_noise(light, peak, noise, seed)};
      const NoiseModel found = estimate(image, {{"offset", noise.offset}}), alone = estimate(image);
      MESSAGE(fmt::format("peak {}, {}: {}; without the offset: {}", peak, text(noise), text(found), text(alone)));
      CHECK(found.gain == doctest::Approx(noise.gain).epsilon(0.05));
      CHECK(alone.gain == found.gain);
      CHECK(found.read_noise == doctest::Approx(noise.read_noise).epsilon(0.1));
      if (peak == 10) CHECK(alone.read_noise == doctest::Approx(noise.read_noise).epsilon(0.1));
    }
  }
}

TEST_CASE("the noise of one plane is found") {
  const Index3 shape{1, 700, 700};
  const std::vector<float> light = noise_free_phantom(shape, 4);
  const NoiseModel found = estimate({{shape, {}}, with_noise(light, 50, {2, 100, 3}, 9)}, {{"offset", 100.0}});
  CHECK(found.gain == doctest::Approx(2).epsilon(0.1));
  CHECK(found.read_noise == doctest::Approx(3).epsilon(0.1));
}

TEST_CASE("what is found in blocks is what is found in the whole volume") {
  const Index3 shape{9, 70, 85};
  const Volume image{{shape, {}}, with_noise(noise_free_phantom(shape, 2), 30, {2, 100, 3}, 9)};
  const std::string whole = text(estimate(image));
  for (const Index3 core : {Index3{1, 1, 85}, Index3{4, 16, 9}, Index3{9, 7, 31}})
    CHECK(text(estimate(image, {}, core)) == whole);
}

TEST_CASE("noise that is the same everywhere has no gain") {
  phantom::Random random(1, 1);
  const Volume image =
      make_volume<float>({{16, 100, 100}, {}}, [&](Index, Index, Index) { return 500 + 4 * random.normal(); });
  const NoiseModel found = estimate(image, {{"gain", 0.0}});
  CHECK(found.gain == 0);
  CHECK(found.read_noise == doctest::Approx(4).epsilon(0.02));
}

TEST_CASE("clipped and unmeasured voxels do not change what is found") {
  const Index3 shape{64, 192, 192};
  const std::vector<float> light = noise_free_phantom(shape, 1);
  Volume image{{shape, {}}, with_noise(light, 50, {2, 100, 3}, 9)};
  auto& voxels = std::get<std::vector<float>>(image.voxels);
  for (std::size_t i = 0; i < voxels.size(); ++i) {
    voxels[i] = std::min(voxels[i], 165.0F);
    if (i % 5000 == 0) voxels[i] = std::numeric_limits<float>::quiet_NaN();
  }
  CHECK(estimate(image).gain == doctest::Approx(2).epsilon(0.1));
  CHECK(estimate(image, {{"saturation", 165.0}}).gain == doctest::Approx(2).epsilon(0.1));
}

TEST_CASE("an image without noise, or too small to tell, has none") {
  for (const Index3 shape : {Index3{4, 30, 30}, Index3{1, 1, 1}, Index3{5, 9, 9}}) {
    const Volume image = make_volume<float>({shape, {}}, [](Index, Index, Index) { return 300.0F; });
    CHECK(text(estimate(image)) == text({0, 0, 0}));
  }
}
