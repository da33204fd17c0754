// What deconvolutions make of objects that the image's border cuts, and of light beyond the opposite one.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pipeline/phantom/score.hpp"
#include "tests/kernels/block_runner.hpp"
#include "tests/kernels/blurred_phantom.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

const Index3 kShape{56, 128, 128};
const Box3 kCut{{14, 32, 32}, {28, 64, 64}};  // goes through nuclei
constexpr double kBackground = 20;

Volume cut_out(const Grid& grid, const std::vector<float>& voxels) {
  return make_volume<float>({kCut.extent, grid.spacing}, [&](Index z, Index y, Index x) {
    return voxels[static_cast<std::size_t>(
        ((z + kCut.origin[kZ]) * grid.shape[kY] + y + kCut.origin[kY]) * grid.shape[kX] + x + kCut.origin[kX])];
  });
}

std::vector<float> restore(const std::string& kernel, const Volume& image, const Psf& psf, ParamValues params) {
  params["background"] = kBackground;
  return run_blocks(shipped_kernel(kernel), params, {{{"image", {image}}}, {{"psf", psf}}}, "image", {0, 0, 0},
                    Context(2, nullptr))
      .volumes.at("image")
      .as();
}

// Of voxels `depth` from the nearest face.
struct Shell {
  double apart = 0;         // root mean square of the difference between the image that is cut and the one that is not
  double light_gained = 0;  // by the image that is cut, over all light
};

Shell shell(Index depth, const std::vector<float>& cut, const std::vector<float>& whole,
            const std::vector<float>& light) {
  double n = 0, squares = 0, gained = 0, sum = 0;
  const auto [nz, ny, nx] = kCut.extent;
  std::size_t i = 0;
  for (Index z = 0; z < nz; ++z)
    for (Index y = 0; y < ny; ++y)
      for (Index x = 0; x < nx; ++x, ++i) {
        if (std::min({z, nz - 1 - z, y, ny - 1 - y, x, nx - 1 - x}) != depth) continue;
        const double difference = static_cast<double>(cut[i]) - static_cast<double>(whole[i]);
        squares += difference * difference, gained += difference, ++n;
        sum += static_cast<double>(light[i]);
      }
  return {std::sqrt(squares / n), gained / sum};
}
}  // namespace

TEST_CASE("objects that the border cuts are restored as if it did not, within 5 %, without rings") {
  const Blurred b = blurred_phantom(kShape, {25, 13, 13}, {3.0, 1.6, 1.6}, 200, kBackground);
  const Grid grid{kShape, b.psf.grid.spacing};
  std::vector<float> clean = b.light;
  phantom::blur(clean, grid, {3.0, 1.6, 1.6});
  for (float& v : clean) v += static_cast<float>(kBackground);
  const auto light = cut_out(grid, b.light).as();
  const double highest = *std::max_element(light.begin(), light.end());
  const auto compare = [&](const std::string& kernel, const ParamValues& params, const std::vector<float>& seen) {
    const Volume image{grid, seen};
    const auto whole = cut_out(grid, restore(kernel, image, b.psf, params)).as();
    const auto cut = restore(kernel, cut_out(grid, seen), b.psf, params);
    std::string at_depths;
    for (Index depth = 0; depth < 10; ++depth) {
      const Shell s = shell(depth, cut, whole, light);
      at_depths += fmt::format(" {:.1f} ({:+.1f})", 100 * s.apart / highest, 100 * s.light_gained);
      CHECK(s.apart < 0.05 * highest);
      CHECK(std::abs(s.light_gained) < 0.05);
    }
    MESSAGE(fmt::format("{}, % of the highest apart (light gained) from the face inward:{}", kernel, at_depths));
  };
  const ParamValues matched{{"back_projector", std::string("matched")}};
  for (const bool noisy : {false, true}) {
    const std::vector<float>& seen = noisy ? b.noisy : clean;
    compare("deconvolve.richardson_lucy", {}, seen);
    compare("deconvolve.richardson_lucy", matched, seen);
  }
  // One that has no noise to filter out rings by 11 %.
  const Volume image{grid, b.noisy};
  const auto whole = cut_out(grid, restore("deconvolve.wiener", image, b.psf, {})).as();
  const auto cut = restore("deconvolve.wiener", cut_out(grid, b.noisy), b.psf, {});
  for (Index depth = 0; depth < 10; ++depth) CHECK(shell(depth, cut, whole, light).apart < 0.05 * highest);
}

TEST_CASE("light at one face does not come out at the opposite one") {
  const Grid grid{{24, 25, 26}, {{{1.0}, {1.0}, {1.0}}}};
  const Psf psf = gaussian_psf({9, 9, 9}, {1, 1, 1}, grid.spacing);
  for (const std::string kernel : {"deconvolve.richardson_lucy", "deconvolve.wiener"})
    for (const std::size_t axis : {kZ, kY, kX}) {
      const auto with = [&](double light) {
        return restore(kernel,
                       make_volume<float>(grid,
                                          [&](Index z, Index y, Index x) {
                                            return kBackground + (Index3{z, y, x}[axis] == 0 ? light : 1.0);
                                          }),
                       psf, {{"signal_to_noise", 20.0}});
      };
      const auto lit = with(1000), dark = with(1);
      double most = 0;
      std::size_t i = 0;
      for (Index z = 0; z < grid.shape[kZ]; ++z)
        for (Index y = 0; y < grid.shape[kY]; ++y)
          for (Index x = 0; x < grid.shape[kX]; ++x, ++i)
            if (Index3{z, y, x}[axis] == grid.shape[axis] - 1)
              most = std::max(most, std::abs(static_cast<double>(lit[i]) - static_cast<double>(dark[i])));
      MESSAGE(fmt::format("{} axis {}: {:.1e} of the light", kernel, axis, most / 1000));
      CHECK(most < 1e-4 * 1000);
    }
}
