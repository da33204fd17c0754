#include "pipeline/interop/bands.hpp"

#include <algorithm>

#include "pipeline/core/parallel.hpp"

namespace voxflow::interop {

namespace {
constexpr std::uint64_t kBandBytes = 32 << 20;
}  // namespace

Index3 band_extent(const record::ImageInfo& info, Index row_step) {
  const Index3 chunk = archive::chunk_shape(info.grid);
  Index3 band{chunk[kZ], (chunk[kY] + row_step - 1) / row_step * row_step, info.grid.shape[kX]};
  const auto bytes = [&] { return static_cast<std::uint64_t>(count(band)) * size_bytes(info.dtype); };
  while (band[kZ] > 1 && bytes() > kBandBytes) band[kZ] = (band[kZ] + 1) / 2;
  return band;
}

void read_band(const archive::ImageReader& reader, int t, int c, const Box3& box, std::vector<std::byte>& to,
               std::size_t level) {
  const DType dtype = reader.info().dtype;
  const std::size_t voxel_bytes = size_bytes(dtype);
  to.resize(static_cast<std::size_t>(count(box.extent)) * voxel_bytes);
  const Index wide = archive::chunk_shape(reader.grid(level))[kX];
  const auto columns = static_cast<std::size_t>((box.extent[kX] + wide - 1) / wide);
  for_each_in_parallel(columns, few_threads(), [&](std::size_t i) {
    const Index x = static_cast<Index>(i) * wide;
    Box3 part = box;
    part.origin[kX] = x;
    part.extent[kX] = std::min(wide, box.extent[kX] - x);
    reader.read_erased(t, c, part, dtype, to.data() + static_cast<std::size_t>(x) * voxel_bytes,
                       {box.extent[kY] * box.extent[kX], box.extent[kX], 1}, level);
  });
}

}  // namespace voxflow::interop
