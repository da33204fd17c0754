#include "pipeline/run/block_buffers.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <new>

namespace voxflow::run {

namespace {
constexpr std::size_t kAlignment = 64;

std::size_t voxel_count(const Box3& box) {
  return box.empty() ? 0 : static_cast<std::size_t>(count(box.extent));
}

template <class From, class To>
void convert_all(const void* from, void* to, std::size_t n) {
  const auto* a = static_cast<const From*>(from);
  auto* b = static_cast<To*>(to);
  for (std::size_t i = 0; i < n; ++i) b[i] = convert_voxel<To>(a[i]);
}

void convert(const void* from, DType from_type, void* to, DType to_type, std::size_t n) {
  visit_dtype(from_type, [&](auto* a) {
    visit_dtype(to_type, [&](auto* b) {
      convert_all<std::remove_pointer_t<decltype(a)>, std::remove_pointer_t<decltype(b)>>(from, to, n);
    });
  });
}

void read_port(const InputPort& port, const ImageSource& source, const Place& place, const Box3& box, void* to) {
  const DType native = port.info.dtype;
  const auto read = [&](const Box3& part, void* at, const Index3& stride) {
    source.read(place.t, place.c, part, at, stride);
  };
  if (native == port.memory) {
    decompose::fill_box(box, port.info.grid.shape, port.outside, size_bytes(native), read, to);
    return;
  }
  const AlignedBuffer raw(voxel_count(box) * size_bytes(native));
  decompose::fill_box(box, port.info.grid.shape, port.outside, size_bytes(native), read, raw.data());
  convert(raw.data(), native, to, port.memory, voxel_count(box));
}

// Counts NaN in `part` of a box of float voxels.
std::uint64_t count_nan(const float* voxels, const Box3& box, const Box3& part, Index3& first) {
  std::uint64_t n = 0;
  for (Index z = part.origin[kZ]; z < part.end(kZ); ++z)
    for (Index y = part.origin[kY]; y < part.end(kY); ++y) {
      const float* row =
          voxels + ((z - box.origin[kZ]) * box.extent[kY] + y - box.origin[kY]) * box.extent[kX] - box.origin[kX];
      for (Index x = part.origin[kX]; x < part.end(kX); ++x)
        if (std::isnan(row[x]) && n++ == 0) first = {z, y, x};
    }
  return n;
}

void refuse_nan(const InputPort& port, const Place& place, const Index3& voxel) {
  throw UserError(fmt::format(
      "input '{}' is NaN at timepoint {}, channel {}, voxel {}, {}, {} (z, y, x), which this kernel does not "
      "accept; replace or crop such voxels first",
      port.port, place.t, place.c, voxel[kZ], voxel[kY], voxel[kX]));
}

template <class From, class To>
void convert_row(const From* from, To* to, Index n, std::uint64_t& clamped) {
  for (Index i = 0; i < n; ++i) {
    to[i] = convert_voxel<To>(from[i]);
    if constexpr (std::is_floating_point_v<From> && !std::is_floating_point_v<To>) {
      constexpr auto kTop = static_cast<From>(std::numeric_limits<To>::max());
      const From rounded = std::nearbyint(from[i]);
      clamped += !(rounded >= From(0) && rounded <= kTop);
    }
  }
}

// Copies `part` of the core into a chunk, converting; the chunk's other voxels stay zero.
template <class From, class To>
void fill_chunk(const void* core_voxels, const Box3& core, const Box3& part, const Box3& chunk, void* to,
                std::uint64_t& clamped) {
  for (Index z = part.origin[kZ]; z < part.end(kZ); ++z)
    for (Index y = part.origin[kY]; y < part.end(kY); ++y) {
      const auto* from = static_cast<const From*>(core_voxels) +
                         ((z - core.origin[kZ]) * core.extent[kY] + y - core.origin[kY]) * core.extent[kX] +
                         part.origin[kX] - core.origin[kX];
      auto* row = static_cast<To*>(to) +
                  ((z - chunk.origin[kZ]) * chunk.extent[kY] + y - chunk.origin[kY]) * chunk.extent[kX] +
                  part.origin[kX] - chunk.origin[kX];
      convert_row(from, row, part.extent[kX], clamped);
    }
}
}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t size_bytes) {
  const std::size_t rounded = std::max(kAlignment, (size_bytes + kAlignment - 1) / kAlignment * kAlignment);
  data_.reset(std::aligned_alloc(kAlignment, rounded));
  if (!data_) throw std::bad_alloc();
  std::memset(data_.get(), 0, rounded);
}

FilledBlock fill_block(const Layout& layout, const std::map<std::string, std::shared_ptr<const ImageSource>>& sources,
                       const BoundKernel& bound, const AnyState& state, const Call& call, const Box3& core,
                       NanPolicy nan) {
  FilledBlock filled;
  Block& block = filled.block;
  block.core = core, block.halo = layout.halo, block.slice = call.slice, block.grid = layout.grid;
  const auto buffer = [&](const Box3& box, DType dtype) {
    filled.memory.emplace_back(voxel_count(box) * size_bytes(dtype));
    return ErasedVolume{filled.memory.back().data(), dtype, box};
  };
  for (const InputPort& in : layout.inputs) {
    const Box3 box = layout.input_box(in, bound, state, core, call.slice);
    const Box3 whole = in.info.grid.box();
    const Box3 own = layout.whole_volume ? whole : bound.has_footprint() ? intersect(box, whole) : core;
    Block::Port port{in.port, {}, {}};
    for (const Place& place : call.inputs.at(in.port)) {
      port.places.push_back({place.t, place.c});
      port.slices.push_back(buffer(box, in.memory));
      read_port(in, *sources.at(in.port), place, box, port.slices.back().data);
      if (in.info.dtype != DType::float32 || own.empty()) continue;
      Index3 voxel{};
      const std::uint64_t n = count_nan(static_cast<const float*>(port.slices.back().data), box, own, voxel);
      if (n > 0 && nan == NanPolicy::refused) refuse_nan(in, place, voxel);
      filled.nan_voxels += n;
    }
    block.inputs.push_back(std::move(port));
  }
  for (const OutputPort& out : layout.outputs) {
    Block::Port port{out.port, {}, {}};
    for (std::size_t i = 0; i < call.outputs.size(); ++i) port.slices.push_back(buffer(core, out.memory));
    block.outputs.push_back(std::move(port));
  }
  return filled;
}

std::vector<ChunkPart> encode_core(const record::ImageInfo& info, const Box3& core, const void* voxels, DType memory,
                                   DType storage, std::uint64_t& clamped_voxels) {
  const Index3 shape = archive::chunk_shape(info.grid);
  const auto chunk_voxels = static_cast<std::size_t>(count(shape));
  Index3 first, end;
  for (std::size_t i = 0; i < 3; ++i)
    first[i] = core.origin[i] / shape[i], end[i] = (core.end(i) + shape[i] - 1) / shape[i];
  std::vector<ChunkPart> parts;
  for (Index z = first[kZ]; z < end[kZ]; ++z)
    for (Index y = first[kY]; y < end[kY]; ++y)
      for (Index x = first[kX]; x < end[kX]; ++x) {
        const Box3 chunk{{z * shape[kZ], y * shape[kY], x * shape[kX]}, shape};
        const AlignedBuffer buffer(chunk_voxels * size_bytes(info.dtype));
        visit_dtype(memory, [&](auto* a) {
          visit_dtype(info.dtype, [&](auto* b) {
            fill_chunk<std::remove_pointer_t<decltype(a)>, std::remove_pointer_t<decltype(b)>>(
                voxels, core, intersect(chunk, core), chunk, buffer.data(), clamped_voxels);
          });
        });
        parts.push_back({{z, y, x}, archive::encode_chunk(buffer.data(), chunk_voxels, info.dtype, storage)});
      }
  return parts;
}

}  // namespace voxflow::run
