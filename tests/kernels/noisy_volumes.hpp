// What the tests of all denoisers share: noisy volumes, and what each does with them.
#pragma once
#include <string>

#include "tests/kernels/block_runner.hpp"
#include "tests/kernels/noise_phantom.hpp"

namespace voxflow::test {

inline const shared::NoiseModel kCamera{2, 100, 3};

inline ParamValues stated(const shared::NoiseModel& noise) {
  return {{"noise.gain", noise.gain}, {"noise.offset", noise.offset}, {"noise.read_noise", noise.read_noise}};
}

inline std::vector<float> run_on(const std::string& kernel, const Volume& image, const ParamValues& params,
                                 const Index3& core = {0, 0, 0}) {
  return run_blocks(shipped_kernel(kernel), params, {{{"image", {image}}}, {}}, "image", core).volumes.at("image").as();
}

inline Volume noisy_volume(const Index3& shape, double peak = 20, const Spacing3& spacing = {{{1.0}, {1.0}, {1.0}}}) {
  return {{shape, spacing}, with_noise(noise_free_phantom(shape, 3), peak, kCamera, 5)};
}

inline float& voxel(Volume& v, Index z, Index y, Index x) {
  const Index3& s = v.grid.shape;
  return std::get<std::vector<float>>(v.voxels)[static_cast<std::size_t>((z * s[kY] + y) * s[kX] + x)];
}

}  // namespace voxflow::test
