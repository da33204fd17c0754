// segment.components: every connected part of a mask gets a label of its own.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;

struct ComponentsParams {
  std::string connectivity = "corners";
};

// Foreground voxels [begin, end) of one row.
struct Run {
  std::int32_t begin, end;
};

// How far apart in x two runs may be and still touch, by the rows' distance in z and y; rows apart have none.
struct Reach {
  Index same_plane, straight_below;
  bool diagonal;  // rows that differ in z and in y
  Index diagonal_below;
};

constexpr Reach reach_of(Connectivity c) {
  if (c == Connectivity::faces) return {0, 0, false, 0};
  if (c == Connectivity::edges) return {1, 1, true, 0};
  return {1, 1, true, 1};
}

// First voxel at or after `x` that is not 0, eight at a time.
Index skip_background(const std::uint8_t* row, Index x, Index nx) {
  for (std::uint64_t word = 0; x + 8 <= nx; x += 8) {
    std::memcpy(&word, row + x, 8);
    if (word != 0) return x + __builtin_ctzll(word) / 8;
  }
  while (x < nx && row[x] == 0) ++x;
  return x;
}

// First voxel at or after `x` that is 0, eight at a time.
Index skip_foreground(const std::uint8_t* row, Index x, Index nx) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U, kTops = 0x8080808080808080U;
  for (std::uint64_t word = 0; x + 8 <= nx; x += 8) {
    std::memcpy(&word, row + x, 8);
    // The lowest of these bits stands at the first zero byte.
    if (const std::uint64_t zeros = (word - kOnes) & ~word & kTops; zeros != 0) return x + __builtin_ctzll(zeros) / 8;
  }
  while (x < nx && row[x] != 0) ++x;
  return x;
}

// Run-length union-find: runs are joined, not voxels (He, Chao, Suzuki: doi 10.1109/TIP.2008.919369).
class Labeller {
 public:
  explicit Labeller(VolumeView<const std::uint8_t> mask) : shape_(mask.shape()) {
    const auto [nz, ny, nx] = shape_;
    first_run_.reserve(static_cast<std::size_t>(nz * ny) + 1);
    for (Index z = 0; z < nz; ++z)
      for (Index y = 0; y < ny; ++y) {
        first_run_.push_back(static_cast<std::uint32_t>(runs_.size()));
        const std::uint8_t* row = mask.row(z, y);
        for (Index x = skip_background(row, 0, nx); x < nx;) {
          const Index end = skip_foreground(row, x, nx);
          runs_.push_back({static_cast<std::int32_t>(x), static_cast<std::int32_t>(end)});
          x = skip_background(row, end, nx);
        }
      }
    first_run_.push_back(static_cast<std::uint32_t>(runs_.size()));
    parent_.resize(runs_.size());
    for (std::uint32_t i = 0; i < parent_.size(); ++i) parent_[i] = i;
  }

  void join(const Reach& reach, const Context& ctx) {
    const auto [nz, ny, nx] = shape_;
    for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
      for (Index y = 0; y < ny; ++y) {
        const Index row = z * ny + y, below = row - ny;
        if (y > 0) join_rows(row, row - 1, reach.same_plane);
        if (z == 0) continue;
        join_rows(row, below, reach.straight_below);
        if (reach.diagonal && y > 0) join_rows(row, below - 1, reach.diagonal_below);
        if (reach.diagonal && y + 1 < ny) join_rows(row, below + 1, reach.diagonal_below);
      }
  }

  // Labels 1, 2, ... in raster order of each component's first voxel.
  void write(VolumeView<std::uint32_t> labels) {
    std::vector<std::uint32_t> label(runs_.size());
    std::uint32_t last = 0;
    for (std::uint32_t i = 0; i < runs_.size(); ++i) label[i] = parent_[i] == i ? ++last : label[root(i)];
    const auto [nz, ny, nx] = shape_;
    for (Index z = 0; z < nz; ++z)
      for (Index y = 0; y < ny; ++y) {
        std::uint32_t* row = labels.row(z, y);
        std::fill_n(row, nx, 0U);
        const auto r = static_cast<std::size_t>(z * ny + y);
        for (std::uint32_t i = first_run_[r]; i < first_run_[r + 1]; ++i)
          std::fill(row + runs_[i].begin, row + runs_[i].end, label[i]);
      }
  }

 private:
  std::uint32_t root(std::uint32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  // The root is the earliest run, so that a component's label is met first at its first voxel.
  void unite(std::uint32_t a, std::uint32_t b) {
    a = root(a), b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }
  void join_rows(Index row_a, Index row_b, Index reach) {
    std::uint32_t i = first_run_[static_cast<std::size_t>(row_a)], j = first_run_[static_cast<std::size_t>(row_b)];
    const std::uint32_t end_i = first_run_[static_cast<std::size_t>(row_a) + 1];
    const std::uint32_t end_j = first_run_[static_cast<std::size_t>(row_b) + 1];
    while (i < end_i && j < end_j) {
      if (runs_[i].begin < runs_[j].end + reach && runs_[j].begin < runs_[i].end + reach) unite(i, j);
      runs_[i].end < runs_[j].end ? ++i : ++j;
    }
  }

  Index3 shape_;
  std::vector<Run> runs_;                 // in raster order
  std::vector<std::uint32_t> first_run_;  // by row, and one behind the last
  std::vector<std::uint32_t> parent_;
};

class Components {
 public:
  using Params = ComponentsParams;

  static void describe(KernelSchema<Params>& k) {
    k.name("segment.components").version(1).summary("Labels the connected parts of a mask.");
    k.source("doi:10.1109/TIP.2008.919369");
    k.input("mask", mask).doc("Foreground.");
    k.output("labels", labels).doc("1, 2, ... in raster order of each part's first voxel; background is 0.");
    k.param(&Params::connectivity, "connectivity")
        .choices({"faces", "edges", "corners"})
        .doc("What two voxels must share to belong together: 6, 18 or 26 neighbours.");
    k.each(t, c).blockwise(Blockwise::components);
  }

  Connectivity connectivity(const Params& p) const {
    if (p.connectivity == "faces") return Connectivity::faces;
    return p.connectivity == "edges" ? Connectivity::edges : Connectivity::corners;
  }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    // Every second voxel may begin a run; vectors that grow hold up to three times what they need for a while.
    const Index runs = extent[kZ] * extent[kY] * ((extent[kX] + 1) / 2);
    return static_cast<std::size_t>(runs) * (3 * sizeof(Run) + 2 * sizeof(std::uint32_t)) +
           static_cast<std::size_t>(extent[kZ] * extent[kY] + 1) * sizeof(std::uint32_t);
  }

  void run(const Params& p, const Block& block, Context& ctx) const {
    Labeller labeller(block.input<std::uint8_t>("mask"));
    labeller.join(reach_of(connectivity(p)), ctx);
    labeller.write(block.output<std::uint32_t>("labels"));
  }
};
}  // namespace

VOXFLOW_KERNEL(Components)
