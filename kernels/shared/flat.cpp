#include "kernels/shared/flat.hpp"

#include <algorithm>

namespace voxflow::shared {

namespace {
// Keeps of each line along `axis` the flags of voxels with `reach` flagged neighbours of the same intensity on either
// side, or fewer where the image ends. Returns whether any is left.
bool keep_inner(VolumeView<const float> image, std::vector<std::uint8_t>& flags, std::size_t axis, Index reach) {
  const Index3& shape = image.shape();
  const Index stride = axis == kX ? 1 : axis == kY ? shape[kX] : shape[kY] * shape[kX];
  const Index length = shape[axis];
  bool any = false;
  for (Index line = 0; line < count(shape) / length; ++line) {
    const Index start = line / stride * stride * length + line % stride;
    const float* v = image.data() + start;
    std::uint8_t* flag = flags.data() + start;
    for (Index first = 0; first < length;) {
      if (flag[first * stride] == 0) {
        ++first;
        continue;
      }
      Index end = first + 1;
      while (end < length && flag[end * stride] != 0 && v[end * stride] == v[first * stride]) ++end;
      const Index inner_first = first == 0 ? 0 : first + reach, inner_end = end == length ? end : end - reach;
      for (Index i = first; i < end; ++i) flag[i * stride] = i >= inner_first && i < inner_end ? 1 : 0;
      any = any || inner_first < inner_end;
      first = end;
    }
  }
  return any;
}
}  // namespace

std::vector<std::uint8_t> flat_voxels(VolumeView<const float> image, const Box3& box, const Box3& core,
                                      const Index3& reach) {
  std::vector<std::uint8_t> flags(static_cast<std::size_t>(count(box.extent)), 1);
  bool any = true;
  for (const std::size_t axis : {kX, kY, kZ}) any = any && keep_inner(image, flags, axis, reach[axis]);
  std::vector<std::uint8_t> flat(static_cast<std::size_t>(count(core.extent)), 0);
  if (!any) return flat;
  auto* to = flat.data();
  for (Index z = core.origin[kZ]; z < core.end(kZ); ++z)
    for (Index y = core.origin[kY]; y < core.end(kY); ++y) {
      const Index row = ((z - box.origin[kZ]) * box.extent[kY] + y - box.origin[kY]) * box.extent[kX];
      to = std::copy_n(flags.data() + row + core.origin[kX] - box.origin[kX], core.extent[kX], to);
    }
  return flat;
}

std::size_t flat_bytes(const Index3& extent) {
  return 2 * static_cast<std::size_t>(count(extent));
}

}  // namespace voxflow::shared
