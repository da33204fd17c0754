#include "pipeline/decompose/border.hpp"

#include <array>
#include <cstring>
#include <vector>

#include "pipeline/core/error.hpp"

namespace voxflow::decompose {

namespace {
using IndexMaps = std::array<std::vector<Index>, 3>;  // per axis: coordinate inside the volume of each of the box's

IndexMaps index_maps(const Box3& box, const Index3& shape, Outside outside) {
  IndexMaps maps;
  for (std::size_t axis = 0; axis < 3; ++axis)
    for (Index i = box.origin[axis]; i < box.end(axis); ++i)
      maps[axis].push_back(inside_index(i, shape[axis], outside));
  return maps;
}

Box3 bounds_of(const IndexMaps& maps) {
  Box3 bounds;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto [low, high] = std::minmax_element(maps[axis].begin(), maps[axis].end());
    bounds.origin[axis] = *low, bounds.extent[axis] = *high - *low + 1;
  }
  return bounds;
}

Index3 dense_stride(const Index3& extent) {
  return {extent[kY] * extent[kX], extent[kX], 1};
}

template <class T>
void gather(const T* from, const Box3& held, const IndexMaps& maps, T* to) {
  const Index3 stride = dense_stride(held.extent);
  for (const Index z : maps[kZ])
    for (const Index y : maps[kY]) {
      const T* row = from + (z - held.origin[kZ]) * stride[kZ] + (y - held.origin[kY]) * stride[kY] - held.origin[kX];
      for (const Index x : maps[kX]) *to++ = row[x];
    }
}

// Fills the outside of `box` from its inside, which is in place and holds every voxel that the maps name.
template <class T>
void fill_around(const Box3& box, const Box3& inside, const IndexMaps& maps, T* data) {
  const Index3 stride = dense_stride(box.extent);
  const auto row_bytes = static_cast<std::size_t>(box.extent[kX]) * sizeof(T);
  const auto plane_bytes = static_cast<std::size_t>(stride[kZ]) * sizeof(T);
  Index3 low, high;  // the inside, counted from the box's first voxel
  for (std::size_t axis = 0; axis < 3; ++axis)
    low[axis] = inside.origin[axis] - box.origin[axis], high[axis] = low[axis] + inside.extent[axis];
  const auto source = [&](std::size_t axis, Index i) {
    return maps[axis][static_cast<std::size_t>(i)] - box.origin[axis];
  };
  for (Index z = low[kZ]; z < high[kZ]; ++z) {
    T* plane = data + z * stride[kZ];
    for (Index y = low[kY]; y < high[kY]; ++y) {
      T* row = plane + y * stride[kY];
      for (Index x = 0; x < low[kX]; ++x) row[x] = row[source(kX, x)];
      for (Index x = high[kX]; x < box.extent[kX]; ++x) row[x] = row[source(kX, x)];
    }
    for (Index y = 0; y < box.extent[kY]; ++y)
      if (y < low[kY] || y >= high[kY])
        std::memcpy(plane + y * stride[kY], plane + source(kY, y) * stride[kY], row_bytes);
  }
  for (Index z = 0; z < box.extent[kZ]; ++z)
    if (z < low[kZ] || z >= high[kZ])
      std::memcpy(data + z * stride[kZ], data + source(kZ, z) * stride[kZ], plane_bytes);
}

template <class T>
void fill(const Box3& box, const Index3& shape, Outside outside, const BoxReader& read, T* to) {
  const Box3 inside = intersect(box, {{0, 0, 0}, shape});
  const IndexMaps maps = index_maps(box, shape, outside);
  const Box3 needed = bounds_of(maps);
  if (needed == inside) {
    const Index3 stride = dense_stride(box.extent);
    Index at = 0;
    for (std::size_t axis = 0; axis < 3; ++axis) at += (inside.origin[axis] - box.origin[axis]) * stride[axis];
    read(inside, to + at, stride);
    if (inside != box) fill_around(box, inside, maps, to);
    return;
  }
  std::vector<T> held(static_cast<std::size_t>(count(needed.extent)));
  read(needed, held.data(), dense_stride(needed.extent));
  gather(held.data(), needed, maps, to);
}
}  // namespace

Index inside_index(Index i, Index size, Outside outside) {
  if (i >= 0 && i < size) return i;
  if (outside == Outside::clip) throw InternalError("a box reaches outside of a volume without a border");
  if (outside == Outside::extend) return i < 0 ? 0 : size - 1;
  if (size == 1) return 0;
  const Index period = 2 * (size - 1);
  const Index phase = ((i % period) + period) % period;
  return phase < size ? phase : period - phase;
}

Box3 input_box(const Box3& core, const Halo& halo, Outside outside, const Index3& shape) {
  const Box3 grown = grow(core, halo);
  return outside == Outside::clip ? intersect(grown, {{0, 0, 0}, shape}) : grown;
}

void fill_box(const Box3& box, const Index3& shape, Outside outside, std::size_t voxel_bytes, const BoxReader& read,
              void* to) {
  if (box.empty()) return;
  if (voxel_bytes == 1)
    fill(box, shape, outside, read, static_cast<std::uint8_t*>(to));
  else if (voxel_bytes == 2)
    fill(box, shape, outside, read, static_cast<std::uint16_t*>(to));
  else
    fill(box, shape, outside, read, static_cast<std::uint32_t*>(to));
}

}  // namespace voxflow::decompose
