#include "pipeline/run/sources.hpp"

#include <fmt/format.h>

#include <cstring>

#include "pipeline/core/error.hpp"
#include "pipeline/record/identity.hpp"

namespace voxflow::run {

namespace {
std::size_t volume_bytes(const record::ImageInfo& info) {
  return static_cast<std::size_t>(count(info.grid.shape)) * size_bytes(info.dtype);
}
std::size_t volume_number(const record::ImageInfo& info, int t, int c) {
  return static_cast<std::size_t>(t * info.channel_count() + c);
}
std::size_t volumes(const record::ImageInfo& info) {
  return static_cast<std::size_t>(info.timepoints * info.channel_count());
}
Index offset(const Index3& at, const Index3& stride) {
  return at[kZ] * stride[kZ] + at[kY] * stride[kY] + at[kX] * stride[kX];
}
Index3 dense(const Index3& shape) {
  return {shape[kY] * shape[kX], shape[kX], 1};
}

// Copies rows of `extent` between arrays whose first voxels are given.
void copy_rows(const std::byte* from, const Index3& from_stride, std::byte* to, const Index3& to_stride,
               const Index3& extent, std::size_t voxel_bytes) {
  const auto bytes = static_cast<Index>(voxel_bytes);
  for (Index z = 0; z < extent[kZ]; ++z)
    for (Index y = 0; y < extent[kY]; ++y)
      std::memcpy(to + offset({z, y, 0}, to_stride) * bytes, from + offset({z, y, 0}, from_stride) * bytes,
                  static_cast<std::size_t>(extent[kX]) * voxel_bytes);
}
}  // namespace

MemorySource::MemorySource(record::ImageInfo info, std::vector<std::byte> voxels)
    : info_(std::move(info)), voxels_(std::move(voxels)) {
  if (voxels_.size() != volumes(info_) * volume_bytes(info_))
    throw InternalError(fmt::format("an image in memory has {} bytes, its shape asks for {}", voxels_.size(),
                                    volumes(info_) * volume_bytes(info_)));
}

void MemorySource::read(int t, int c, const Box3& box, void* to, const Index3& stride) const {
  const Index3 own = dense(info_.grid.shape);
  const std::byte* from = voxels_.data() + volume_number(info_, t, c) * volume_bytes(info_) +
                          static_cast<std::size_t>(offset(box.origin, own)) * size_bytes(info_.dtype);
  copy_rows(from, own, static_cast<std::byte*>(to), stride, box.extent, size_bytes(info_.dtype));
}

Digest MemorySink::Image::content_digest() const {
  const auto per_volume = static_cast<std::size_t>(count(archive::chunk_counts(info.grid)));
  std::vector<Digest> digests;
  for (std::size_t v = 0; v < volumes(info); ++v)
    digests.push_back(record::volume_digest(info, std::span(chunks).subspan(v * per_volume, per_volume)));
  return record::image_digest(digests);
}

void MemorySink::open(const std::string& port, const record::ImageInfo& info, DType storage) {
  Image& image = images_[port];
  image.info = info, image.storage = storage;
  image.voxels.resize(volumes(info) * volume_bytes(info));
  image.chunks.resize(volumes(info) * static_cast<std::size_t>(count(archive::chunk_counts(info.grid))));
}

void MemorySink::put(const std::string& port, int t, int c, const Index3& chunk, const archive::EncodedChunk& encoded) {
  Image& image = images_.at(port);
  const Index3 chunk_shape = archive::chunk_shape(image.info.grid), counts = archive::chunk_counts(image.info.grid);
  const std::size_t voxel_bytes = size_bytes(image.info.dtype), volume = volume_number(image.info, t, c);
  Box3 box;
  for (std::size_t i = 0; i < 3; ++i) box.origin[i] = chunk[i] * chunk_shape[i], box.extent[i] = chunk_shape[i];
  box = intersect(box, image.info.grid.box());
  const Index3 own = dense(image.info.grid.shape);
  std::byte* to = image.voxels.data() + volume * volume_bytes(image.info) +
                  static_cast<std::size_t>(offset(box.origin, own)) * voxel_bytes;
  archive::decode_part(encoded.bytes, chunk_shape, image.storage, image.info.dtype, {{0, 0, 0}, box.extent}, to, own);
  image.chunks.at(volume * static_cast<std::size_t>(count(counts)) +
                  static_cast<std::size_t>(offset(chunk, dense(counts)))) = encoded.digest;
}

const MemorySink::Image& MemorySink::image(const std::string& port) const {
  const auto it = images_.find(port);
  if (it == images_.end()) throw InternalError("there is no volumetric output '" + port + "'");
  return it->second;
}

std::shared_ptr<const ImageSource> MemorySink::source(const std::string& port) const {
  return std::make_shared<MemorySource>(image(port).info, image(port).voxels);
}

}  // namespace voxflow::run
