#include "kernels/segment/watershed/flood.hpp"

#include <algorithm>

namespace voxflow::watershed {

namespace {
// Voxel numbers and coordinates of a contiguous volume.
struct Lattice {
  Index3 shape;
  std::size_t number(Index z, Index y, Index x) const {
    return static_cast<std::size_t>((z * shape[kY] + y) * shape[kX] + x);
  }
  Index3 place(std::size_t number) const {
    const auto i = static_cast<Index>(number);
    return {i / (shape[kY] * shape[kX]), i / shape[kX] % shape[kY], i % shape[kX]};
  }
  bool at_face(const Index3& p) const {
    for (std::size_t axis = 0; axis < 3; ++axis)
      if (!(axis == kZ && shape[kZ] == 1) && (p[axis] == 0 || p[axis] == shape[axis] - 1)) return true;
    return false;
  }
  template <class F>
  void for_neighbours(std::size_t voxel, bool faces_only, F&& f) const {
    const Index3 p = place(voxel);
    for (Index z = std::max<Index>(p[kZ] - 1, 0); z < std::min(p[kZ] + 2, shape[kZ]); ++z)
      for (Index y = std::max<Index>(p[kY] - 1, 0); y < std::min(p[kY] + 2, shape[kY]); ++y)
        for (Index x = std::max<Index>(p[kX] - 1, 0); x < std::min(p[kX] + 2, shape[kX]); ++x) {
          const Index steps = std::abs(z - p[kZ]) + std::abs(y - p[kY]) + std::abs(x - p[kX]);
          if (steps > 0 && (steps == 1 || !faces_only)) f(number(z, y, x));
        }
  }
};

class Basins {
 public:
  explicit Basins(std::size_t most) {
    peaks_.reserve(most);
    parents_.reserve(most);
  }
  std::uint32_t add(float peak) {
    peaks_.push_back(peak);
    parents_.push_back(static_cast<std::uint32_t>(parents_.size()));
    return parents_.back();
  }
  std::uint32_t root(std::uint32_t i) {
    while (parents_[i] != i) i = parents_[i] = parents_[parents_[i]];
    return i;
  }
  // An earlier basin has the higher peak, or an equal one that comes first.
  void meet(std::uint32_t a, std::uint32_t b, float height, double depth) {
    a = root(a), b = root(b);
    const std::uint32_t lower = std::max(a, b);
    if (a != b && static_cast<double>(height) > (1 - depth) * static_cast<double>(peaks_[lower]))
      parents_[lower] = std::min(a, b);
  }
  std::size_t size() const { return parents_.size(); }

 private:
  std::vector<float> peaks_;
  std::vector<std::uint32_t> parents_;
};

struct Voxel {
  float height;
  std::uint32_t number;
  // From high to low; raster order decides between equals.
  friend bool operator<(const Voxel& a, const Voxel& b) {
    return a.height != b.height ? a.height > b.height : a.number < b.number;
  }
};

std::vector<Voxel> from_high_to_low(VolumeView<const float> height, VolumeView<const std::uint8_t> mask) {
  const auto n = static_cast<std::uint32_t>(count(mask.shape()));
  std::vector<Voxel> voxels;
  voxels.reserve(static_cast<std::size_t>(std::count(mask.data(), mask.data() + n, std::uint8_t{1})));
  for (std::uint32_t i = 0; i < n; ++i)
    if (mask.data()[i] == 1) voxels.push_back({height.data()[i], i});
  std::sort(voxels.begin(), voxels.end());
  return voxels;
}

// Two first voxels of basins never touch.
std::size_t most_basins(const Index3& shape) {
  return static_cast<std::size_t>((shape[kZ] + 1) / 2 * ((shape[kY] + 1) / 2) * ((shape[kX] + 1) / 2));
}
}  // namespace

void drop_small_parts(VolumeView<std::uint8_t> mask, std::uint8_t value, double least_voxels, const Context& ctx) {
  const Lattice lattice{mask.shape()};
  const auto plane = static_cast<std::size_t>(mask.shape()[kY] * mask.shape()[kX]);
  const auto n = static_cast<std::size_t>(count(mask.shape()));
  std::uint8_t* voxels = mask.data();
  const auto seen = static_cast<std::uint8_t>(value + 2), other = static_cast<std::uint8_t>(1 - value);
  std::vector<std::uint32_t> part;
  part.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (i % plane == 0 && ctx.cancelled()) return;
    if (voxels[i] != value) continue;
    part.assign(1, static_cast<std::uint32_t>(i));
    voxels[i] = seen;
    bool at_face = false;
    for (std::size_t next = 0; next < part.size(); ++next) {
      at_face = at_face || lattice.at_face(lattice.place(part[next]));
      lattice.for_neighbours(part[next], value == 0, [&](std::size_t j) {
        if (voxels[j] != value) return;
        voxels[j] = seen;
        part.push_back(static_cast<std::uint32_t>(j));
      });
    }
    if (static_cast<double>(part.size()) < least_voxels && !(value == 0 && at_face))
      for (const std::uint32_t j : part) voxels[j] = other;
  }
  for (std::size_t i = 0; i < n; ++i)
    if (voxels[i] == seen) voxels[i] = value;
}

std::uint32_t label_basins(VolumeView<const float> height, VolumeView<const std::uint8_t> mask, double depth,
                           VolumeView<std::uint32_t> labels, const Context& ctx) {
  const Lattice lattice{mask.shape()};
  const auto plane = static_cast<std::size_t>(mask.shape()[kY] * mask.shape()[kX]);
  const auto n = static_cast<std::size_t>(count(mask.shape()));
  std::fill_n(labels.data(), n, 0U);
  const std::vector<Voxel> voxels = from_high_to_low(height, mask);
  Basins basins(most_basins(mask.shape()));
  for (std::size_t i = 0; i < voxels.size(); ++i) {
    if (i % plane == 0 && ctx.cancelled()) return 0;
    const auto [h, number] = voxels[i];
    Voxel best{-1, 0};
    lattice.for_neighbours(number, false, [&](std::size_t j) {
      if (const Voxel v{height.data()[j], static_cast<std::uint32_t>(j)}; labels.data()[j] != 0)
        if (best.height < 0 || v < best) best = v;
    });
    if (best.height < 0) {
      labels.data()[number] = basins.add(h) + 1;
      continue;
    }
    const std::uint32_t own = labels.data()[best.number];
    labels.data()[number] = own;
    lattice.for_neighbours(number, false, [&, at = h](std::size_t j) {
      if (const std::uint32_t label = labels.data()[j]; label != 0 && label != own)
        basins.meet(label - 1, own - 1, at, depth);
    });
  }
  for (std::size_t i = 0; i < n; ++i)
    if (std::uint32_t& label = labels.data()[i]; label != 0) label = basins.root(label - 1) + 1;
  return static_cast<std::uint32_t>(basins.size());
}

void keep_objects(VolumeView<std::uint32_t> labels, std::uint32_t last, double least_voxels, bool keep_at_faces,
                  const Context& ctx) {
  const Lattice lattice{labels.shape()};
  const auto [nz, ny, nx] = labels.shape();
  std::vector<std::uint32_t> sizes(last + 1, 0U), names(last + 1, 0U);
  for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
    for (Index y = 0; y < ny; ++y)
      for (Index x = 0; x < nx; ++x) ++sizes[labels(z, y, x)];
  for (std::uint32_t& size : sizes)
    if (static_cast<double>(size) < least_voxels) size = 0;
  sizes[0] = 0;
  for (Index z = 0; z < nz && !keep_at_faces; ++z)
    for (Index y = 0; y < ny; ++y)
      for (Index x = 0; x < nx; ++x)
        if (lattice.at_face({z, y, x})) sizes[labels(z, y, x)] = 0;
  std::uint32_t objects = 0;
  for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
    for (Index y = 0; y < ny; ++y)
      for (std::uint32_t *v = labels.row(z, y), *end = v + nx; v != end; ++v) {
        if (sizes[*v] > 0 && names[*v] == 0) names[*v] = ++objects;
        *v = names[*v];
      }
}

std::size_t flood_bytes(const Index3& shape) {
  const auto n = static_cast<std::size_t>(count(shape));
  return n * sizeof(Voxel) + most_basins(shape) * (sizeof(float) + sizeof(std::uint32_t)) + 64;
}

}  // namespace voxflow::watershed
