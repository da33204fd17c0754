#include "pipeline/decompose/components.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "pipeline/core/error.hpp"

namespace voxflow::decompose {

namespace {
void put_number(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
}

std::uint64_t take_number(std::string_view& bytes) {
  std::uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) break;
    const auto b = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    v |= static_cast<std::uint64_t>(b & 0x7f) << shift;
    if ((b & 0x80) == 0) return v;
  }
  throw InternalError("packed labels are damaged");
}

std::string pack_plane(const Index3& extent, std::span<const std::uint32_t> labels, std::size_t axis, Index at) {
  const VolumeView<const std::uint32_t> view(labels.data(), extent);
  std::vector<std::uint32_t> plane;
  Index3 low{}, high = extent;
  low[axis] = at, high[axis] = at + 1;
  for (Index z = low[kZ]; z < high[kZ]; ++z)
    for (Index y = low[kY]; y < high[kY]; ++y)
      plane.insert(plane.end(), view.row(z, y) + low[kX], view.row(z, y) + high[kX]);
  return pack_labels(plane);
}

// Sets of labels; the root of each is the label with the smallest first voxel.
class Forest {
 public:
  explicit Forest(std::vector<std::uint64_t> first_voxels) : first_(std::move(first_voxels)), parent_(first_.size()) {
    std::iota(parent_.begin(), parent_.end(), 0U);
  }
  std::uint32_t root(std::uint32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void unite(std::uint32_t a, std::uint32_t b) {
    a = root(a), b = root(b);
    if (first_[b] < first_[a]) std::swap(a, b);
    parent_[b] = a;
  }
  // The number of each label's set, sets counted from 1 by first voxel, and how many sets there are.
  std::pair<std::vector<std::uint32_t>, std::uint32_t> numbers() {
    std::vector<std::uint32_t> roots;
    for (std::uint32_t i = 0; i < parent_.size(); ++i)
      if (parent_[i] == i) roots.push_back(i);
    std::sort(roots.begin(), roots.end(), [&](std::uint32_t a, std::uint32_t b) { return first_[a] < first_[b]; });
    std::vector<std::uint32_t> number(parent_.size());
    for (std::uint32_t n = 0; n < roots.size(); ++n) number[roots[n]] = n + 1;
    for (std::uint32_t i = 0; i < parent_.size(); ++i) number[i] = number[root(i)];
    return {std::move(number), static_cast<std::uint32_t>(roots.size())};
  }

 private:
  std::vector<std::uint64_t> first_;
  std::vector<std::uint32_t> parent_;
};

// One whole plane of the volume at a cut, put together from blocks; holds label number + 1, 0 for background.
struct Plane {
  Index rows = 0, columns = 0;
  std::vector<std::uint32_t> labels;
};

class PlaneReader {
 public:
  PlaneReader(const BlockGrid& grid, std::span<const BlockLabels> blocks, std::span<const std::uint32_t> offsets)
      : grid_(grid), blocks_(blocks), offsets_(offsets) {}

  // `side` 0: the low plane of the blocks in `layer`, 1: the high one.
  Plane read(std::size_t axis, Index layer, std::size_t side) const {
    const std::size_t u = axis == kZ ? kY : kZ, v = axis == kX ? kY : kX;
    Plane plane{grid_.shape()[u], grid_.shape()[v], {}};
    plane.labels.resize(static_cast<std::size_t>(plane.rows * plane.columns));
    std::vector<std::uint32_t> piece;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const Box3& core = grid_.cores()[b];
      if (core.origin[axis] != grid_.cuts(axis)[static_cast<std::size_t>(layer)]) continue;
      piece.resize(static_cast<std::size_t>(core.extent[u] * core.extent[v]));
      unpack_labels(blocks_[b].planes[2 * axis + side], piece);
      const std::uint32_t* from = piece.data();
      for (Index r = core.origin[u]; r < core.end(u); ++r)
        for (Index k = core.origin[v]; k < core.end(v); ++k, ++from)
          plane.labels[static_cast<std::size_t>(r * plane.columns + k)] = *from == 0 ? 0 : *from + offsets_[b];
    }
    return plane;
  }

 private:
  const BlockGrid& grid_;
  std::span<const BlockLabels> blocks_;
  std::span<const std::uint32_t> offsets_;
};

// Joins what touches between two neighbouring planes; `diagonal` steps may be taken within the plane.
void join_planes(const Plane& low, const Plane& high, Index diagonal, Forest& forest) {
  std::uint32_t last_a = 0, last_b = 0;
  for (Index dr = -1; dr <= 1; ++dr)
    for (Index dk = -1; dk <= 1; ++dk) {
      if (dr * dr + dk * dk > diagonal) continue;
      for (Index r = std::max<Index>(0, -dr); r < low.rows - std::max<Index>(0, dr); ++r) {
        const std::uint32_t* a = low.labels.data() + r * low.columns;
        const std::uint32_t* b = high.labels.data() + (r + dr) * low.columns + dk;
        for (Index k = std::max<Index>(0, -dk); k < low.columns - std::max<Index>(0, dk); ++k) {
          if (a[k] == 0 || b[k] == 0 || (a[k] == last_a && b[k] == last_b)) continue;
          last_a = a[k], last_b = b[k];
          forest.unite(last_a - 1, last_b - 1);
        }
      }
    }
}
}  // namespace

std::string pack_labels(std::span<const std::uint32_t> labels) {
  std::string out;
  for (std::size_t i = 0; i < labels.size();) {
    std::size_t end = i + 1;
    while (end < labels.size() && labels[end] == labels[i]) ++end;
    put_number(out, labels[i]);
    put_number(out, end - i);
    i = end;
  }
  return out;
}

void unpack_labels(std::string_view bytes, std::span<std::uint32_t> labels) {
  std::size_t at = 0;
  while (!bytes.empty()) {
    const auto label = static_cast<std::uint32_t>(take_number(bytes));
    const std::uint64_t length = take_number(bytes);
    if (length > labels.size() - at) throw InternalError("packed labels are longer than their box");
    std::fill_n(labels.begin() + static_cast<std::ptrdiff_t>(at), length, label);
    at += length;
  }
  if (at != labels.size()) throw InternalError("packed labels are shorter than their box");
}

void BlockLabels::encode(ByteWriter& out) const {
  out.put(first_voxels);
  for (const std::string& plane : planes) out.put(std::string_view(plane));
}

BlockLabels BlockLabels::decode(ByteReader& in) {
  BlockLabels labels{in.get_vector<std::uint64_t>(), {}};
  for (std::string& plane : labels.planes) plane = in.get_string();
  return labels;
}

BlockLabels describe_labels(const Box3& core, const Index3& shape, std::span<std::uint32_t> labels) {
  BlockLabels out;
  std::vector<std::uint32_t> number(labels.size() + 1);
  std::size_t at = 0;
  for (Index z = core.origin[kZ]; z < core.end(kZ); ++z)
    for (Index y = core.origin[kY]; y < core.end(kY); ++y)
      for (Index x = core.origin[kX]; x < core.end(kX); ++x, ++at) {
        const std::uint32_t label = labels[at];
        if (label == 0) continue;
        if (label > labels.size())
          throw InternalError(
              fmt::format("the kernel made label {} in a block of {} voxels; labels of a block count from 1", label,
                          labels.size()));
        if (number[label] == 0) {
          out.first_voxels.push_back(static_cast<std::uint64_t>((z * shape[kY] + y) * shape[kX] + x));
          number[label] = static_cast<std::uint32_t>(out.first_voxels.size());
        }
        labels[at] = number[label];
      }
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (core.origin[axis] > 0) out.planes[2 * axis] = pack_plane(core.extent, labels, axis, 0);
    if (core.end(axis) < shape[axis])
      out.planes[2 * axis + 1] = pack_plane(core.extent, labels, axis, core.extent[axis] - 1);
  }
  return out;
}

MergedLabels merge_labels(const BlockGrid& grid, Touching touching, std::span<const BlockLabels> blocks) {
  std::vector<std::uint32_t> offsets;
  std::vector<std::uint64_t> first_voxels;
  for (const BlockLabels& b : blocks) {
    offsets.push_back(static_cast<std::uint32_t>(first_voxels.size()));
    first_voxels.insert(first_voxels.end(), b.first_voxels.begin(), b.first_voxels.end());
    if (first_voxels.size() >= std::numeric_limits<std::uint32_t>::max())
      throw UserError(fmt::format("the blocks hold more than {} objects; remove noise before labelling",
                                  std::numeric_limits<std::uint32_t>::max() - 1));
  }
  Forest forest(std::move(first_voxels));
  const PlaneReader planes(grid, blocks, offsets);
  // A pair of voxels in different blocks lies on both sides of at least one cut, so whole planes on both sides of every
  // cut hold all pairs, those across edges and corners of blocks too.
  const Index diagonal = touching == Touching::faces ? 0 : touching == Touching::edges ? 1 : 2;
  for (std::size_t axis = 0; axis < 3; ++axis)
    for (Index layer = 1; layer < grid.counts()[axis]; ++layer)
      join_planes(planes.read(axis, layer - 1, 1), planes.read(axis, layer, 0), diagonal, forest);
  const auto [number, count] = forest.numbers();
  MergedLabels merged;
  merged.count = count;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const auto begin = number.begin() + offsets[b];
    merged.of_block.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(blocks[b].first_voxels.size()));
  }
  return merged;
}

}  // namespace voxflow::decompose
