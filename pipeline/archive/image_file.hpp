// One image in one HDF5 file of the BigDataViewer layout: written chunk by chunk, read box by box.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "pipeline/archive/chunks.hpp"
#include "pipeline/core/volume_view.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::archive {

/// Texts that travel inside the file, under /metadata; empty ones are left out.
struct Metadata {
  std::string provenance, annotations, original;
};

/// What every HDF5 library checks a chunk's bytes by, beside the checksum that deflate has of its own.
enum class ChunkChecksum { none, fletcher32 };

/// How `finish` makes the smaller copies.
struct FinishOptions {
  std::size_t threads = 1;
  std::function<void()> sign_of_life;  // called after each chunk, by one thread at a time; may be empty
};

/// Writes data.h5 and the SpimData XML beside it. One thread and one process write; encode_chunk runs elsewhere.
class ImageWriter {
 public:
  /// Creates `file` (its name: [A-Za-z0-9_-]+ and ".h5"). `storage` is the voxel type on disk (see encode_chunk).
  /// Throws SystemError, DiskFullError.
  ImageWriter(const std::filesystem::path& file, const record::ImageInfo& info, DType storage,
              ChunkChecksum checksum = ChunkChecksum::none);
  ~ImageWriter();
  ImageWriter(ImageWriter&&) noexcept;

  /// Stores one chunk; `chunk` counts chunks, z-y-x. Every chunk of every t and c is stored once, in any order.
  void put(int t, int c, const Index3& chunk, const EncodedChunk& encoded);
  /// Stores /tables/objects (label images).
  void put_table(const std::string& tsv);
  /// Adds the smaller copies that viewers open first, digests, attributes, metadata and XML, and closes. Returns the
  /// image's content digest, in which the copies have no part. Throws InternalError when a chunk is missing.
  Digest finish(const Metadata& metadata, const FinishOptions& options = {});
  /// What `finish` needs at most, with that many threads.
  static std::size_t finish_bytes(const record::ImageInfo& info, std::size_t threads);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads an image. Thread-safe; decoded chunks are kept in a small cache.
class ImageReader {
 public:
  static constexpr std::size_t kCacheBytes = std::size_t{64} << 20;

  /// Throws UserError when `file` is not an image of this archive format, SystemError when it is damaged.
  explicit ImageReader(const std::filesystem::path& file);
  ~ImageReader();
  ImageReader(const ImageReader&) = delete;
  ImageReader& operator=(const ImageReader&) = delete;

  const record::ImageInfo& info() const;
  Digest content_digest() const;
  /// How many resolutions it has; level 0 is the image, each further one is half as fine (see docs/architecture.md).
  std::size_t levels() const;
  /// Shape and spacing of a level.
  Grid grid(std::size_t level) const;
  /// The digests of one volume's chunks in raster order, as stored.
  std::vector<Digest> chunk_digests(int t, int c, std::size_t level = 0) const;
  /// Copies `box` (inside the volume) of volume (t, c) to `to`, whose shape is the box's extent; T is the image's
  /// dtype.
  template <class T>
  void read(int t, int c, const Box3& box, VolumeView<T> to, std::size_t level = 0) const {
    read_erased(t, c, box, dtype_of<T>(), to.data(), to.stride(), level);
  }
  /// As `read`; `stride` in voxels. Throws InternalError when `dtype` is not the image's.
  void read_erased(int t, int c, const Box3& box, DType dtype, void* to, const Index3& stride,
                   std::size_t level = 0) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads every chunk and compares it with its stored digest. The messages name file, volume and chunk; empty when
/// sound.
std::vector<std::string> verify_image(const std::filesystem::path& file);

}  // namespace voxflow::archive
