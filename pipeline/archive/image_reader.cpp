#include <cstring>

#include <fmt/format.h>

#include "pipeline/archive/chunk_cache.hpp"
#include "pipeline/archive/image_file.hpp"
#include "pipeline/archive/layout.hpp"
#include "pipeline/core/error.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

namespace {
constexpr std::size_t kCacheBytes = 64 << 20;

/// Throws UserError unless the root says that this is an image of a version that is known here.
void check_format(const hdf5::Handle& file) {
  if (hdf5::read_text_attribute(file, "format") != layout::kFormat)
    throw UserError("this HDF5 file is not an image of a voxflow archive; use `voxflow import`");
  const auto version = hdf5::read_int_attribute(file, "format_version");
  if (!version || *version > layout::kFormatVersion)
    throw UserError(fmt::format("the image has format version {}, this voxflow knows up to {}; use a newer voxflow",
                                version ? *version : 0, layout::kFormatVersion));
}

record::ImageInfo read_info(const hdf5::Handle& file) {
  try {
    return record::ImageInfo::from_json(hdf5::read_text(file, layout::kImage));
  } catch (const UserError& e) {
    throw SystemError(fmt::format("the image's description is damaged: {}", e.what()));
  }
}

DType read_storage(const hdf5::Handle& file, const record::ImageInfo& info) {
  const auto name = hdf5::read_text_attribute(hdf5::open_group(file, layout::setup(0)), "dataType");
  const auto storage = dtype_from(name.value_or(""));
  if (storage && (storage == info.dtype || (storage == DType::uint16 && info.dtype == DType::uint32))) return *storage;
  throw SystemError(
      fmt::format("the voxel type on disk is '{}', that of the image {}", name.value_or(""), to_string(info.dtype)));
}

Digest read_content_digest(const hdf5::Handle& file) {
  const auto digest = digest_from(hdf5::read_text_attribute(file, "content_digest").value_or(""));
  if (!digest) throw SystemError("the content digest is missing or damaged");
  return *digest;
}

/// Copies `part` (in voxels of the volume) from a chunk to the box of `to`.
void copy_part(const Box3& part, const std::byte* chunk, const Box3& chunk_box, std::byte* to, const Box3& box,
               const Index3& stride, std::size_t voxel_bytes) {
  const auto row_bytes = static_cast<std::size_t>(part.extent[kX]) * voxel_bytes;
  const Index from_x = part.origin[kX] - chunk_box.origin[kX], to_x = part.origin[kX] - box.origin[kX];
  for (Index z = part.origin[kZ]; z < part.end(kZ); ++z)
    for (Index y = part.origin[kY]; y < part.end(kY); ++y) {
      const Index from =
          ((z - chunk_box.origin[kZ]) * chunk_box.extent[kY] + y - chunk_box.origin[kY]) * chunk_box.extent[kX] +
          from_x;
      const Index at = (z - box.origin[kZ]) * stride[kZ] + (y - box.origin[kY]) * stride[kY] + to_x;
      std::memcpy(to + at * static_cast<Index>(voxel_bytes), chunk + from * static_cast<Index>(voxel_bytes), row_bytes);
    }
}
}  // namespace

struct ImageReader::Impl {
  explicit Impl(const fs::path& path) : file(path), h5(hdf5::open_file(path)) {
    check_format(h5);
    info = read_info(h5);
    storage = read_storage(h5, info);
    content = read_content_digest(h5);
    chunk = chunk_shape(info.grid);
    counts = chunk_counts(info.grid);
    cells.emplace(h5, info, storage);
  }

  std::size_t chunk_voxels() const { return static_cast<std::size_t>(count(chunk)); }
  std::size_t volume_chunks() const { return static_cast<std::size_t>(count(counts)); }
  std::size_t volume_number(int t, int c) const {
    return static_cast<std::size_t>(t) * static_cast<std::size_t>(info.channel_count()) + static_cast<std::size_t>(c);
  }

  void check_volume(int t, int c) const {
    if (t >= 0 && t < info.timepoints && c >= 0 && c < info.channel_count()) return;
    throw InternalError(fmt::format("'{}' has no timepoint {}, channel {}", file.string(), t, c));
  }

  std::vector<std::uint8_t> stored_bytes(int t, int c, const Index3& at) {
    const hdf5::Lock lock;
    return hdf5::read_chunk(cells->get(t, c), layout::chunk_origin(at, chunk));
  }

  void decode(int t, int c, const Index3& at, void* voxels) {
    try {
      const auto bytes = stored_bytes(t, c, at);
      decode_chunk(bytes.data(), bytes.size(), chunk_voxels(), storage, info.dtype, voxels);
    } catch (Error& e) {
      e.add_context(fmt::format("{}: {}", file.string(), layout::chunk_name(t, c, at)));
      throw;
    }
  }

  ChunkCache::Voxels decoded(int t, int c, const Index3& at) {
    const std::size_t number = volume_number(t, c) * volume_chunks() + layout::chunk_number(at, counts);
    if (auto held = cache.find(number)) return held;
    const std::size_t size = chunk_voxels() * size_bytes(info.dtype);
    const auto voxels = std::make_shared_for_overwrite<std::byte[]>(size);
    decode(t, c, at, voxels.get());
    cache.add(number, voxels, size);
    return voxels;
  }

  fs::path file;
  hdf5::Handle h5;
  record::ImageInfo info;
  DType storage{};
  Digest content;
  Index3 chunk{}, counts{};
  std::optional<layout::OpenCells> cells;
  ChunkCache cache{kCacheBytes};
};

ImageReader::ImageReader(const fs::path& file) {
  const hdf5::Lock lock;
  with_context(file.string(), [&] { impl_ = std::make_unique<Impl>(file); });
}

ImageReader::~ImageReader() {
  const hdf5::Lock lock;
  impl_.reset();
}

const record::ImageInfo& ImageReader::info() const {
  return impl_->info;
}

Digest ImageReader::content_digest() const {
  return impl_->content;
}

std::vector<Digest> ImageReader::chunk_digests(int t, int c) const {
  impl_->check_volume(t, c);
  const std::size_t chunks = impl_->volume_chunks();
  const hdf5::Lock lock;
  return with_context(impl_->file.string(), [&] {
    return hdf5::read_digests(impl_->h5, layout::kChunkDigests, impl_->volume_number(t, c) * chunks, chunks);
  });
}

void ImageReader::read_erased(int t, int c, const Box3& box, DType dtype, void* to, const Index3& stride) const {
  auto& r = *impl_;
  r.check_volume(t, c);
  if (dtype != r.info.dtype)
    throw InternalError(fmt::format("'{}' holds {} voxels, {} were asked for", r.file.string(), to_string(r.info.dtype),
                                    to_string(dtype)));
  if (box.empty() || !contains(r.info.grid.box(), box) || stride[kX] != 1)
    throw InternalError(fmt::format(
        "'{}': the box to read is empty, outside the volume, or its rows are not contiguous", r.file.string()));
  const std::size_t voxel_bytes = size_bytes(dtype);
  const Index3 packed{r.chunk[kY] * r.chunk[kX], r.chunk[kX], 1};
  Index3 first, last;
  for (std::size_t i = 0; i < 3; ++i) {
    first[i] = box.origin[i] / r.chunk[i];
    last[i] = (box.end(i) - 1) / r.chunk[i];
  }
  for (Index z = first[kZ]; z <= last[kZ]; ++z)
    for (Index y = first[kY]; y <= last[kY]; ++y)
      for (Index x = first[kX]; x <= last[kX]; ++x) {
        const Box3 chunk_box{layout::chunk_origin({z, y, x}, r.chunk), r.chunk};
        if (box == chunk_box && stride == packed) return r.decode(t, c, {z, y, x}, to);
        const auto voxels = r.decoded(t, c, {z, y, x});
        copy_part(intersect(box, chunk_box), voxels.get(), chunk_box, static_cast<std::byte*>(to), box, stride,
                  voxel_bytes);
      }
}

}  // namespace voxflow::archive
