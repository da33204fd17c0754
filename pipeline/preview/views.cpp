#include "pipeline/preview/views.hpp"

#include <cmath>
#include <limits>

namespace voxflow::preview {

namespace {
constexpr Index3 kSlab{64, 256, 512};
static_assert(count(kSlab) <= kSlabVoxels);

constexpr Index divide_up(Index n, Index by) {
  return (n + by - 1) / by;
}

struct Intensity {
  using Voxel = float;
  static constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

  static float bin(const VolumeView<const float>& voxels) {
    double sum = 0;
    Index finite = 0;
    for (Index z = 0; z < voxels.shape()[kZ]; ++z)
      for (Index y = 0; y < voxels.shape()[kY]; ++y)
        for (Index x = 0; x < voxels.shape()[kX]; ++x)
          if (const float v = voxels(z, y, x); std::isfinite(v)) sum += v, ++finite;
    return finite == 0 ? kNothing : static_cast<float>(sum / static_cast<double>(finite));
  }

  static void project(float& seen, float value) {
    if (!(value <= seen) && std::isfinite(value)) seen = value;
  }
};

struct Labels {
  using Voxel = std::uint32_t;
  static constexpr std::uint32_t kNothing = 0;

  static std::uint32_t bin(const VolumeView<const std::uint32_t>& voxels) {
    std::uint32_t highest = 0;
    for (Index z = 0; z < voxels.shape()[kZ]; ++z)
      for (Index y = 0; y < voxels.shape()[kY]; ++y)
        for (Index x = 0; x < voxels.shape()[kX]; ++x) highest = std::max(highest, voxels(z, y, x));
    return highest;
  }

  static void project(std::uint32_t& seen, std::uint32_t value) { seen = std::max(seen, value); }
};

/// Whole bins, about kSlab, at most kSlabVoxels.
Index3 slab_shape(const Index3& bin) {
  Index3 shape;
  for (const Axis axis : {kX, kY}) shape[axis] = std::max<Index>(1, kSlab[axis] / bin[axis]) * bin[axis];
  const Index deep = std::min(kSlab[kZ], kSlabVoxels / (shape[kY] * shape[kX]));
  shape[kZ] = std::max<Index>(1, deep / bin[kZ]) * bin[kZ];
  return shape;
}

template <class Kind>
class Folder {
 public:
  using Voxel = typename Kind::Voxel;
  Folder(const Box3& region, const Index3& bin, const ReadBox<Voxel>& read, Views<Voxel>& views)
      : region_(region), bin_(bin), read_(read), views_(views) {}

  void fold() {
    const Index3 step = slab_shape(bin_);
    Index3 at;
    for (at[kZ] = region_.origin[kZ]; at[kZ] < region_.end(kZ); at[kZ] += step[kZ])
      for (at[kY] = region_.origin[kY]; at[kY] < region_.end(kY); at[kY] += step[kY])
        for (at[kX] = region_.origin[kX]; at[kX] < region_.end(kX); at[kX] += step[kX])
          fold(intersect({at, step}, region_));
  }

 private:
  void fold(const Box3& box) {
    voxels_.resize(static_cast<std::size_t>(count(box.extent)));
    const VolumeView<Voxel> slab(voxels_.data(), box.extent);
    read_(box, slab);
    const VolumeView<const Voxel> seen = slab;
    const bool single = count(bin_) == 1;
    Index3 first, bins;
    for (std::size_t i = 0; i < 3; ++i) {
      first[i] = (box.origin[i] - region_.origin[i]) / bin_[i];
      bins[i] = divide_up(box.extent[i], bin_[i]);
    }
    for (Index z = 0; z < bins[kZ]; ++z)
      for (Index y = 0; y < bins[kY]; ++y)
        for (Index x = 0; x < bins[kX]; ++x) {
          const Index3 corner{z * bin_[kZ], y * bin_[kY], x * bin_[kX]};
          const Voxel value =
              single ? seen(z, y, x) : Kind::bin(seen.sub(intersect({corner, bin_}, {{0, 0, 0}, box.extent})));
          project(first[kZ] + z, first[kY] + y, first[kX] + x, value);
        }
  }

  void project(Index z, Index y, Index x, Voxel value) {
    if (!views_.xy.empty()) Kind::project(views_.xy.at(y, x), value);
    if (!views_.xz.empty()) Kind::project(views_.xz.at(z, x), value);
    if (!views_.yz.empty()) Kind::project(views_.yz.at(y, z), value);
  }

  Box3 region_;
  Index3 bin_;
  const ReadBox<Voxel>& read_;
  Views<Voxel>& views_;
  std::vector<Voxel> voxels_;
};

/// The slice of the volume at right angles to `axis`.
template <class Kind>
void add_slice(Axis axis, const Index3& shape, Index3 bin, const Cut& cut, const ReadBox<typename Kind::Voxel>& read,
               Plane<typename Kind::Voxel> Views<typename Kind::Voxel>::*view, Views<typename Kind::Voxel>& views) {
  Box3 region{{0, 0, 0}, shape};
  region.origin[axis] = cut.at[axis];
  region.extent[axis] = 1;
  bin[axis] = 1;
  Views<typename Kind::Voxel> slice;
  slice.*view = views.*view;
  Folder<Kind>(region, bin, read, slice).fold();
  views.*view = std::move(slice.*view);
}

template <class Kind>
Views<typename Kind::Voxel> views_of(const Index3& shape, const Index3& bin, const Cut& cut,
                                     const ReadBox<typename Kind::Voxel>& read) {
  using V = Views<typename Kind::Voxel>;
  Index3 bins;
  for (std::size_t i = 0; i < 3; ++i) bins[i] = divide_up(shape[i], bin[i]);
  V views;
  views.xy = {bins[kY], bins[kX], Kind::kNothing};
  if (cut.sides == Sides::both) {
    views.xz = {bins[kZ], bins[kX], Kind::kNothing};
    views.yz = {bins[kY], bins[kZ], Kind::kNothing};
  }
  if (cut.projection == Projection::max) {
    Folder<Kind>({{0, 0, 0}, shape}, bin, read, views).fold();
    return views;
  }
  add_slice<Kind>(kZ, shape, bin, cut, read, &V::xy, views);
  if (cut.sides == Sides::both) {
    add_slice<Kind>(kY, shape, bin, cut, read, &V::xz, views);
    add_slice<Kind>(kX, shape, bin, cut, read, &V::yz, views);
  }
  return views;
}
}  // namespace

Views<float> intensity_views(const Index3& shape, const Index3& bin, const Cut& cut, const ReadBox<float>& read) {
  return views_of<Intensity>(shape, bin, cut, read);
}

Views<std::uint32_t> label_views(const Index3& shape, const Index3& bin, const Cut& cut,
                                 const ReadBox<std::uint32_t>& read) {
  return views_of<Labels>(shape, bin, cut, read);
}

}  // namespace voxflow::preview
