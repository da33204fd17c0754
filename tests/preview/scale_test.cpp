// How large pictures become, and how long scale bars are.
#include "pipeline/preview/scale.hpp"

#include <doctest/doctest.h>

#include "tests/preview/volumes.hpp"

using namespace voxflow;
using namespace voxflow::preview;
using namespace voxflow::test;

TEST_CASE("a small image is enlarged by a whole factor") {
  const Grid grid = grid_of({1, 150, 200}, 1, 0.2);
  const Scale scale = fitting_scale(grid, Sides::none, {1024, 1600});
  CHECK(scale.bin == Index3{1, 1, 1});
  CHECK(scale.um_per_pixel == doctest::Approx(0.2 / 6));
  CHECK(pixels_along(grid, kX, scale) == 1200);
  CHECK(pixels_along(grid, kY, scale) == 900);
}

TEST_CASE("no factor makes a picture larger than allowed") {
  CHECK(fitting_scale(grid_of({1, 900, 900}), Sides::none, {1024, 1600}).um_per_pixel == 1);
  CHECK(fitting_scale(grid_of({1, 120, 150}), Sides::none, {320, 320}).um_per_pixel == 0.5);
}

TEST_CASE("a large image is reduced by a whole number of voxels") {
  const Grid grid = grid_of({1, 3000, 2000}, 1, 0.1);
  const Scale scale = fitting_scale(grid, Sides::none, {1024, 1600});
  CHECK(scale.bin == Index3{1, 2, 2});
  CHECK(scale.um_per_pixel == doctest::Approx(0.2));
  CHECK(pixels_along(grid, kY, scale) == 1500);
}

TEST_CASE("what needs neither stays as it is") {
  const Grid grid = grid_of({1, 1600, 1100}, 1, 0.1);
  CHECK(fitting_scale(grid, Sides::none, {1024, 1600}).bin == Index3{1, 1, 1});
  CHECK(fitting_scale(grid, Sides::none, {1024, 1600}).um_per_pixel == doctest::Approx(0.1));
}

TEST_CASE("the sides are in true proportion and count for the size") {
  const Grid grid = grid_of({40, 200, 200}, 0.5, 0.2);  // 20 um deep, 40 um wide
  const Scale scale = fitting_scale(grid, Sides::both, {1024, 1600});
  CHECK(scale.um_per_pixel == doctest::Approx(0.2 / 4));
  CHECK(pixels_along(grid, kX, scale) == 800);
  CHECK(pixels_along(grid, kZ, scale) == 400);
}

TEST_CASE("planes that are closer than pixels are averaged too") {
  const Grid grid = grid_of({1000, 4000, 4000}, 0.1, 0.1);
  const Scale scale = fitting_scale(grid, Sides::both, {1024, 1600});
  CHECK(scale.bin == Index3{4, 4, 4});
  CHECK(pixels_along(grid, kX, scale) + pixels_along(grid, kZ, scale) == 1250);
}

TEST_CASE("a scale bar's length is 1, 2 or 5 times a power of ten") {
  CHECK(round_length(12.4) == 10);
  CHECK(round_length(9.99) == 5);
  CHECK(round_length(5) == 5);
  CHECK(round_length(0.49) == doctest::Approx(0.2));
  CHECK(round_length(1999) == 1000);
  CHECK(round_length(0.3 - 0.1) == doctest::Approx(0.2));
}
