// Nuclei, filaments and spots under photon and read noise, with the light that is under the noise.
#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/shared/anscombe.hpp"
#include "pipeline/phantom/random.hpp"
#include "pipeline/phantom/scene.hpp"

namespace voxflow::test {

/// Light of every voxel, at most 1, with a background of about 0.03.
inline std::vector<float> noise_free_phantom(const Index3& shape, std::uint64_t seed) {
  // Of such a spacing that nuclei are 8 to 12 voxels in radius, 5 along z.
  const Grid grid{shape, {{{0.35}, {0.2}, {0.2}}}};
  phantom::Random random(seed, 0);
  const auto wanted = static_cast<int>(count(shape) / 50000 + 2);
  std::vector<float> light =
      phantom::render_nuclei(grid, phantom::place_nuclei(grid, wanted, random), phantom::Stain::chromatin, {0, 0, 0});
  for (float& v : light) v *= 0.7F;
  const auto mark = [&](const Point3& at, float brightness) {
    Index3 voxel{};
    for (std::size_t i = 0; i < 3; ++i) voxel[i] = std::lround(at[i]);
    if (!contains(grid.box(), {voxel, {1, 1, 1}})) return false;
    light[static_cast<std::size_t>((voxel[kZ] * shape[kY] + voxel[kY]) * shape[kX] + voxel[kX])] = brightness;
    return true;
  };
  const auto anywhere = [&] {
    Point3 p{};
    for (std::size_t i = 0; i < 3; ++i) p[i] = random.uniform(0, static_cast<double>(shape[i] - 1));
    return p;
  };
  for (int filament = 0; filament < wanted / 3 + 1; ++filament) {
    Point3 at = anywhere();
    double heading = random.uniform(0, 2 * std::numbers::pi), climb = 0.2 * random.normal();
    for (int step = 0; step < 150 && mark(at, 0.9F); ++step) {
      heading += 0.15 * random.normal(), climb += 0.05 * random.normal();
      at = {at[kZ] + climb, at[kY] + std::sin(heading), at[kX] + std::cos(heading)};
    }
  }
  for (int spot = 0; spot < 2 * wanted; ++spot) mark(anywhere(), 1.0F);
  phantom::blur(light, grid, {0.5 * 0.35, 0.7 * 0.2, 0.7 * 0.2});
  float highest = 0;
  for (float& v : light) highest = std::max(highest, v += 0.03F);
  for (float& v : light) v /= highest;
  return light;
}

/// What a camera makes of it, with `peak` electrons where the light is 1.
inline std::vector<float> with_noise(const std::vector<float>& light, double peak, const shared::NoiseModel& noise,
                                     std::uint64_t seed) {
  phantom::Random random(seed, 1);
  std::vector<float> picture;
  for (const float v : light)
    picture.push_back(static_cast<float>(noise.gain * random.poisson(peak * static_cast<double>(v)) + noise.offset +
                                         noise.read_noise * random.normal()));
  return picture;
}

/// The expected intensities.
inline std::vector<float> without_noise(const std::vector<float>& light, double peak, const shared::NoiseModel& noise) {
  std::vector<float> picture;
  for (const float v : light)
    picture.push_back(static_cast<float>(noise.gain * peak * static_cast<double>(v) + noise.offset));
  return picture;
}

}  // namespace voxflow::test
