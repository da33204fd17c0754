#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "pipeline/archive/image_file.hpp"
#include "pipeline/archive/layout.hpp"
#include "pipeline/archive/volumes.hpp"
#include "pipeline/core/error.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

namespace {
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
}  // namespace

struct ImageReader::Impl {
  explicit Impl(const fs::path& path) : file(path), h5(hdf5::open_file(path)) {
    check_format(h5);
    info = read_info(h5);
    storage = read_storage(h5, info);
    content = read_content_digest(h5);
    levels = pyramid_levels(info.grid);
    levels.resize(std::min(levels.size(), hdf5::count_rows(h5, layout::setup(0) + "/resolutions")));
    volumes.emplace(file, h5, info, levels, storage, kCacheBytes);
  }

  std::size_t volume_chunks(std::size_t level) const { return static_cast<std::size_t>(count(levels[level].counts)); }
  std::size_t volume_count() const { return static_cast<std::size_t>(info.timepoints * info.channel_count()); }
  std::size_t volume_number(int t, int c) const { return static_cast<std::size_t>(t * info.channel_count() + c); }

  void check_volume(int t, int c, std::size_t level) const {
    if (t < 0 || t >= info.timepoints || c < 0 || c >= info.channel_count())
      throw InternalError(fmt::format("'{}' has no timepoint {}, channel {}", file.string(), t, c));
    if (level >= levels.size())
      throw InternalError(fmt::format("'{}' has {} levels, no level {}", file.string(), levels.size(), level));
  }

  fs::path file;
  hdf5::Handle h5;
  record::ImageInfo info;
  DType storage{};
  Digest content;
  std::vector<Level> levels;
  std::optional<Volumes> volumes;
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

std::size_t ImageReader::levels() const {
  return impl_->levels.size();
}

Grid ImageReader::grid(std::size_t level) const {
  impl_->check_volume(0, 0, level);
  return impl_->levels[level].grid;
}

std::vector<Digest> ImageReader::chunk_digests(int t, int c, std::size_t level) const {
  const auto& r = *impl_;
  r.check_volume(t, c, level);
  std::size_t first = r.volume_number(t, c) * r.volume_chunks(level);
  for (std::size_t l = 1; l < level; ++l) first += r.volume_count() * r.volume_chunks(l);
  const hdf5::Lock lock;
  return with_context(r.file.string(), [&] {
    return hdf5::read_digests(r.h5, level == 0 ? layout::kChunkDigests : layout::kLevelDigests, first,
                              r.volume_chunks(level));
  });
}

void ImageReader::read_erased(int t, int c, const Box3& box, DType dtype, void* to, const Index3& stride,
                              std::size_t level) const {
  const auto& r = *impl_;
  r.check_volume(t, c, level);
  if (dtype != r.info.dtype)
    throw InternalError(fmt::format("'{}' holds {} voxels, {} were asked for", r.file.string(), to_string(r.info.dtype),
                                    to_string(dtype)));
  impl_->volumes->read(level, t, c, box, to, stride);
}

}  // namespace voxflow::archive
