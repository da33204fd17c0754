#include <doctest/doctest.h>

#include <random>

#include "tests/kernels/block_runner.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;

std::vector<std::uint32_t> components(const Volume& mask, const std::string& connectivity) {
  return run_blocks(shipped_kernel("segment.components"), {{"connectivity", connectivity}}, {{{"mask", {mask}}}, {}},
                    "mask")
      .volumes.at("labels")
      .as<std::uint32_t>();
}

// Flood fill from every voxel in raster order.
std::vector<std::uint32_t> slow_components(const Volume& mask, Index most_axes) {
  const auto& voxels = mask.as<std::uint8_t>();
  const auto [nz, ny, nx] = mask.grid.shape;
  std::vector<std::uint32_t> labels(voxels.size());
  std::uint32_t last = 0;
  for (Index start = 0; start < count(mask.grid.shape); ++start) {
    if (voxels[static_cast<std::size_t>(start)] == 0 || labels[static_cast<std::size_t>(start)] != 0) continue;
    labels[static_cast<std::size_t>(start)] = ++last;
    for (std::vector<Index> open{start}; !open.empty();) {
      const Index at = open.back(), z = at / (ny * nx), y = at / nx % ny, x = at % nx;
      open.pop_back();
      for (Index dz = -1; dz <= 1; ++dz)
        for (Index dy = -1; dy <= 1; ++dy)
          for (Index dx = -1; dx <= 1; ++dx) {
            if (std::abs(dz) + std::abs(dy) + std::abs(dx) > most_axes) continue;
            if (!contains(mask.grid.box(), {{z + dz, y + dy, x + dx}, {1, 1, 1}})) continue;
            const auto next = static_cast<std::size_t>(((z + dz) * ny + y + dy) * nx + x + dx);
            if (voxels[next] == 0 || labels[next] != 0) continue;
            labels[next] = last;
            open.push_back(static_cast<Index>(next));
          }
    }
  }
  return labels;
}

Volume random_mask(const Index3& shape, unsigned percent) {
  std::mt19937 random(percent);
  return make_volume<std::uint8_t>({shape, {}}, [&](Index, Index, Index) { return random() % 100 < percent ? 1 : 0; });
}
}  // namespace

TEST_CASE("components equal a flood fill in raster order, for every connectivity and density") {
  for (const auto& [name, most_axes] : {std::pair{"faces", Index{1}}, {"edges", Index{2}}, {"corners", Index{3}}})
    for (const unsigned percent : {3U, 10U, 25U, 40U, 60U, 95U}) {
      const Volume mask = random_mask({9, 13, 41}, percent);
      CAPTURE(name);
      CAPTURE(percent);
      CHECK(components(mask, name) == slow_components(mask, most_axes));
    }
}

TEST_CASE("planes, lines and single voxels have components too") {
  for (const Index3 shape : {Index3{1, 30, 30}, Index3{1, 1, 70}, Index3{50, 1, 1}, Index3{1, 1, 1}, Index3{5, 6, 8}}) {
    const Volume mask = random_mask(shape, 50);
    CHECK(components(mask, "corners") == slow_components(mask, 3));
  }
}

TEST_CASE("an empty mask has no components and a full one has one") {
  const auto count_labels = [](unsigned percent) {
    const auto labels = components(random_mask({4, 5, 16}, percent), "faces");
    return *std::max_element(labels.begin(), labels.end());
  };
  CHECK(count_labels(0) == 0);
  CHECK(count_labels(100) == 1);
}
