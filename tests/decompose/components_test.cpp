#include "pipeline/decompose/components.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <random>

#include "pipeline/core/error.hpp"

using namespace voxflow;
using namespace voxflow::decompose;

namespace {
struct Mask {
  Index3 shape;
  std::vector<std::uint8_t> voxels;
  std::uint8_t at(Index z, Index y, Index x) const {
    return voxels[static_cast<std::size_t>((z * shape[kY] + y) * shape[kX] + x)];
  }
};

// Flood fill of the part of `mask` in `box`, components numbered by first voxel; `dense` labels of the box.
std::vector<std::uint32_t> flood(const Mask& mask, const Box3& box, Touching touching) {
  const int reach = touching == Touching::faces ? 1 : touching == Touching::edges ? 2 : 3;
  std::vector<std::uint32_t> labels(static_cast<std::size_t>(count(box.extent)));
  const auto at = [&](const Index3& p) {
    return static_cast<std::size_t>((p[kZ] * box.extent[kY] + p[kY]) * box.extent[kX] + p[kX]);
  };
  const auto inside = [&](const Index3& p) {
    for (std::size_t i = 0; i < 3; ++i)
      if (p[i] < 0 || p[i] >= box.extent[i]) return false;
    return mask.at(p[kZ] + box.origin[kZ], p[kY] + box.origin[kY], p[kX] + box.origin[kX]) != 0;
  };
  std::uint32_t next = 0;
  for (Index z = 0; z < box.extent[kZ]; ++z)
    for (Index y = 0; y < box.extent[kY]; ++y)
      for (Index x = 0; x < box.extent[kX]; ++x) {
        if (!inside({z, y, x}) || labels[at({z, y, x})] != 0) continue;
        std::deque<Index3> open{{z, y, x}};
        labels[at({z, y, x})] = ++next;
        while (!open.empty()) {
          const Index3 p = open.front();
          open.pop_front();
          for (Index dz = -1; dz <= 1; ++dz)
            for (Index dy = -1; dy <= 1; ++dy)
              for (Index dx = -1; dx <= 1; ++dx) {
                const Index3 q{p[kZ] + dz, p[kY] + dy, p[kX] + dx};
                if (std::abs(dz) + std::abs(dy) + std::abs(dx) > reach || !inside(q) || labels[at(q)] != 0) continue;
                labels[at(q)] = next;
                open.push_back(q);
              }
        }
      }
  return labels;
}

std::vector<std::uint32_t> label_by_blocks(const Mask& mask, const BlockGrid& grid, Touching touching,
                                           std::uint32_t& objects) {
  std::vector<std::vector<std::uint32_t>> local;
  std::vector<BlockLabels> described;
  for (const Box3& core : grid.cores()) {
    auto labels = flood(mask, core, touching);
    // A kernel may number its block's labels in any order.
    const std::uint32_t n = labels.empty() ? 0 : *std::max_element(labels.begin(), labels.end());
    for (auto& label : labels)
      if (label != 0) label = n + 1 - label;
    ByteWriter bytes;
    describe_labels(core, mask.shape, labels).encode(bytes);
    const std::string sent = bytes.take();
    ByteReader received(sent);
    described.push_back(BlockLabels::decode(received));
    local.push_back(std::move(labels));
  }
  const MergedLabels merged = merge_labels(grid, touching, described);
  objects = merged.count;
  std::vector<std::uint32_t> whole(mask.voxels.size());
  for (std::size_t b = 0; b < local.size(); ++b) {
    const Box3& core = grid.cores()[b];
    std::size_t i = 0;
    for (Index z = core.origin[kZ]; z < core.end(kZ); ++z)
      for (Index y = core.origin[kY]; y < core.end(kY); ++y)
        for (Index x = core.origin[kX]; x < core.end(kX); ++x, ++i)
          if (local[b][i] != 0)
            whole[static_cast<std::size_t>((z * mask.shape[kY] + y) * mask.shape[kX] + x)] =
                merged.of_block[b][local[b][i] - 1];
  }
  return whole;
}
}  // namespace

TEST_CASE("labels merged across any block grid equal those of the whole volume, for every connectivity") {
  std::mt19937 random(7);
  for (const Index3& shape : {Index3{1, 1, 1}, Index3{1, 13, 12}, Index3{9, 10, 11}, Index3{12, 12, 12}})
    for (const unsigned percent : {8U, 20U, 35U, 60U}) {
      Mask mask{shape, std::vector<std::uint8_t>(static_cast<std::size_t>(count(shape)))};
      for (auto& v : mask.voxels) v = random() % 100 < percent;
      for (const Touching touching : {Touching::faces, Touching::edges, Touching::corners}) {
        const auto expected = flood(mask, {{0, 0, 0}, shape}, touching);
        for (const Index3& core :
             {Index3{1, 1, 1}, Index3{2, 3, 4}, Index3{5, 4, 3}, Index3{100, 4, 100}, Index3{100, 100, 100}}) {
          std::uint32_t objects = 0;
          CHECK(label_by_blocks(mask, BlockGrid(shape, {1, 1, 1}, core, {}), touching, objects) == expected);
          CHECK(objects == *std::max_element(expected.begin(), expected.end()));
        }
      }
    }
}

TEST_CASE("two voxels that meet at the corner of eight blocks are one object only where corners touch") {
  Mask mask{{2, 2, 2}, {1, 0, 0, 0, 0, 0, 0, 1}};
  const BlockGrid grid(mask.shape, {1, 1, 1}, {1, 1, 1}, {});
  std::uint32_t objects = 0;
  label_by_blocks(mask, grid, Touching::edges, objects);
  CHECK(objects == 2);
  label_by_blocks(mask, grid, Touching::corners, objects);
  CHECK(objects == 1);
}

TEST_CASE("packed labels come back as they were, and damaged ones are refused") {
  const std::vector<std::uint32_t> labels{0, 0, 0, 5, 5, 4'000'000'000U, 0, 1};
  const std::string packed = pack_labels(labels);
  std::vector<std::uint32_t> back(labels.size());
  unpack_labels(packed, back);
  CHECK(back == labels);
  back.push_back(0);
  CHECK_THROWS_WITH_AS(unpack_labels(packed, back), "packed labels are shorter than their box", InternalError);
  back.resize(3);
  CHECK_THROWS_WITH_AS(unpack_labels(packed, back), "packed labels are longer than their box", InternalError);
  CHECK_THROWS_WITH_AS(unpack_labels("\xff", back), "packed labels are damaged", InternalError);
}

TEST_CASE("a label that cannot have been counted from 1 in its block is the kernel's mistake") {
  std::vector<std::uint32_t> labels{0, 9};
  CHECK_THROWS_WITH_AS(describe_labels({{0, 0, 0}, {1, 1, 2}}, {1, 1, 2}, labels),
                       "the kernel made label 9 in a block of 2 voxels; labels of a block count from 1", InternalError);
}
