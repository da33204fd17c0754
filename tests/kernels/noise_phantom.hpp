// Nuclei, threads and points of light under photon and read noise, with the light that is under the noise.
#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/shared/anscombe.hpp"
#include "pipeline/phantom/random.hpp"
#include "pipeline/phantom/scene.hpp"

namespace voxflow::test {

/// Light of every voxel, from about 0.03 to 1: textured ellipsoids that hardly overlap, threads and points of light.
inline std::vector<float> noise_free_phantom(const Index3& shape, std::uint64_t seed) {
  const Grid grid{shape};
  phantom::Random random(seed, 0);
  const auto voxels = static_cast<std::size_t>(count(shape));
  std::vector<float> light(voxels, 0.0F), texture(voxels);
  for (float& v : texture) v = static_cast<float>(random.normal());
  phantom::blur(texture, grid, {{1, 2, 2}});
  double squares = 0;
  for (const float v : texture) squares += static_cast<double>(v * v) / static_cast<double>(voxels);
  const auto at = [&](Index z, Index y, Index x) {
    return static_cast<std::size_t>((z * shape[kY] + y) * shape[kX] + x);
  };
  const auto anywhere = [&](const Point3& margin) {
    Point3 p{};
    for (std::size_t i = 0; i < 3; ++i) {
      const auto last = static_cast<double>(shape[i] - 1);
      p[i] = last > 2 * margin[i] ? random.uniform(margin[i], last - margin[i]) : last / 2;
    }
    return p;
  };
  // As many ellipsoids in a thin volume as a thick one shows there.
  const auto wanted = static_cast<int>(shape[kY] * shape[kX] * (shape[kZ] + 11) / 82000 + 2);
  for (int placed = 0, tries = 0; placed < wanted && tries < 20 * wanted; ++tries) {
    const Point3 centre = anywhere({4, 8, 8});
    const Point3 radius{random.uniform(4, 8), random.uniform(9, 16), random.uniform(9, 16)};
    const double angle = random.uniform(0, std::numbers::pi), brightness = random.uniform(0.3, 0.7);
    std::vector<std::size_t> inside;
    std::size_t taken = 0;
    const Box3 around = intersect(
        {{std::lround(centre[kZ]) - 9, std::lround(centre[kY]) - 17, std::lround(centre[kX]) - 17}, {19, 35, 35}},
        grid.box());
    for (Index z = around.origin[kZ]; z < around.end(kZ); ++z)
      for (Index y = around.origin[kY]; y < around.end(kY); ++y)
        for (Index x = around.origin[kX]; x < around.end(kX); ++x) {
          const double dz = static_cast<double>(z) - centre[kZ], dy = static_cast<double>(y) - centre[kY],
                       dx = static_cast<double>(x) - centre[kX];
          const double u = dy * std::cos(angle) + dx * std::sin(angle), v = dx * std::cos(angle) - dy * std::sin(angle);
          if (std::pow(dz / radius[kZ], 2) + std::pow(u / radius[kY], 2) + std::pow(v / radius[kX], 2) >= 1) continue;
          inside.push_back(at(z, y, x));
          taken += light[inside.back()] > 0 ? 1 : 0;
        }
    if (20 * taken > inside.size()) continue;
    ++placed;
    for (const std::size_t i : inside)
      if (light[i] == 0)
        light[i] = static_cast<float>(
            std::clamp(brightness * (1 + 0.25 * static_cast<double>(texture[i]) / std::sqrt(squares)), 0.05, 1.0));
  }
  const auto mark = [&](const Point3& p, float brightness) {
    const Index3 voxel{std::lround(p[kZ]), std::lround(p[kY]), std::lround(p[kX])};
    if (!contains(grid.box(), {voxel, {1, 1, 1}})) return false;
    light[at(voxel[kZ], voxel[kY], voxel[kX])] = brightness;
    return true;
  };
  for (int thread = 0; thread < wanted / 3 + 1; ++thread) {
    Point3 p = anywhere({0, 0, 0});
    double heading = random.uniform(0, 2 * std::numbers::pi), climb = 0.2 * random.normal();
    for (int step = 0; step < 150 && mark(p, 0.9F); ++step) {
      heading += 0.15 * random.normal(), climb += 0.04 * random.normal();
      p = {p[kZ] + climb, p[kY] + std::sin(heading), p[kX] + std::cos(heading)};
    }
  }
  for (int point = 0; point < 2 * wanted; ++point) mark(anywhere({0, 0, 0}), 1.0F);
  phantom::blur(light, grid, {{0.5, 0.7, 0.7}});
  const float highest = *std::max_element(light.begin(), light.end()) + 0.03F;
  for (float& v : light) v = (v + 0.03F) / highest;
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
