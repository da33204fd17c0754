#include "pipeline/archive/huffman.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace voxflow::archive {

namespace {
constexpr std::size_t kMostBits = 16;
using LengthCounts = std::array<std::uint32_t, kMostBits + 1>;  // how many codes have each length

struct Leaf {
  std::uint32_t count;
  std::uint16_t symbol;
};

/// The symbols that occur, rarest first; at least two.
std::vector<Leaf> leaves_of(std::span<const std::uint32_t> counts) {
  std::vector<Leaf> leaves;
  for (std::size_t s = 0; s < counts.size(); ++s)
    if (counts[s] > 0) leaves.push_back({counts[s], static_cast<std::uint16_t>(s)});
  for (std::size_t s = 0; leaves.size() < 2; ++s)
    if (counts[s] == 0) leaves.push_back({0, static_cast<std::uint16_t>(s)});
  std::sort(leaves.begin(), leaves.end(),
            [](const Leaf& a, const Leaf& b) { return a.count != b.count ? a.count < b.count : a.symbol < b.symbol; });
  return leaves;
}

/// How deep the leaves of the tree lie, those deeper than `longest` as if there. Joins the two rarest of leaves and
/// joints again and again; both queues are in order by themselves.
LengthCounts tree_depths(const std::vector<Leaf>& leaves, std::size_t longest) {
  const std::size_t n = leaves.size(), nodes = 2 * n - 1;
  std::vector<std::uint64_t> weight(nodes);
  std::vector<std::size_t> parent(nodes), depth(nodes);
  for (std::size_t i = 0; i < n; ++i) weight[i] = leaves[i].count;
  std::size_t leaf = 0, joint = n;
  for (std::size_t next = n; next < nodes; ++next)
    for (int side = 0; side < 2; ++side) {
      const bool from_leaves = leaf < n && (joint == next || weight[leaf] <= weight[joint]);
      const std::size_t least = from_leaves ? leaf++ : joint++;
      weight[next] += weight[least];
      parent[least] = next;
    }
  LengthCounts lengths{};
  for (std::size_t i = nodes - 1; i-- > 0;) {
    depth[i] = depth[parent[i]] + 1;
    if (i < n) ++lengths[std::min(depth[i], longest)];
  }
  return lengths;
}

/// Lengthens codes until all have room, then shortens some until no room is left over.
void fit(LengthCounts& lengths, std::size_t longest) {
  const std::uint64_t room = std::uint64_t{1} << longest;
  std::uint64_t taken = 0;
  for (std::size_t l = 1; l <= longest; ++l) taken += std::uint64_t{lengths[l]} << (longest - l);
  while (taken > room) {
    std::size_t l = longest - 1;
    while (lengths[l] == 0) --l;
    --lengths[l], ++lengths[l + 1];
    taken -= std::uint64_t{1} << (longest - l - 1);
  }
  for (std::size_t l = longest; l > 1; --l)
    while (lengths[l] > 0 && taken + (std::uint64_t{1} << (longest - l)) <= room) {
      --lengths[l], ++lengths[l - 1];
      taken += std::uint64_t{1} << (longest - l);
    }
}

std::uint16_t reversed(std::uint32_t code, std::size_t length) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < length; ++i) bits |= (code >> i & 1) << (length - 1 - i);
  return static_cast<std::uint16_t>(bits);
}
}  // namespace

void make_huffman_codes(std::span<const std::uint32_t> counts, int longest, std::span<HuffmanCode> codes) {
  const auto leaves = leaves_of(counts);
  LengthCounts lengths = tree_depths(leaves, static_cast<std::size_t>(longest));
  fit(lengths, static_cast<std::size_t>(longest));
  std::fill(codes.begin(), codes.end(), HuffmanCode{});
  auto leaf = leaves.begin();
  for (auto l = static_cast<std::size_t>(longest); l > 0; --l)
    for (std::uint32_t i = 0; i < lengths[l]; ++i) codes[(leaf++)->symbol].length = static_cast<std::uint16_t>(l);
  std::array<std::uint32_t, kMostBits + 1> next{};
  for (std::size_t l = 1; l < kMostBits; ++l) next[l + 1] = (next[l] + lengths[l]) << 1;
  for (HuffmanCode& code : codes)
    if (code.length > 0) code.bits = reversed(next[code.length]++, code.length);
}

}  // namespace voxflow::archive
