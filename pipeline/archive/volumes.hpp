// Reads boxes of the volumes of an open file, at any level; private to this room.
#pragma once
#include <filesystem>

#include "pipeline/archive/chunk_cache.hpp"
#include "pipeline/archive/layout.hpp"

namespace voxflow::archive {

/// Thread-safe. What it is made of must outlive it and stay where it is.
class Volumes {
 public:
  Volumes(const std::filesystem::path& file, const hdf5::Handle& h5, const record::ImageInfo& info,
          const std::vector<Level>& levels, DType storage, std::size_t cache_bytes);

  /// Copies `box` (inside the volume) of (t, c) at `level` to `to`; `stride` in voxels, rows contiguous. Throws
  /// InternalError when there is no such box, SystemError when the file is damaged.
  void read(std::size_t level, int t, int c, const Box3& box, void* to, const Index3& stride);
  /// Lets go of the file. Call under hdf5::Lock.
  void close() { cells_.close(); }

 private:
  std::size_t volume_number(int t, int c) const;
  /// `part`: within the chunk.
  void decode(std::size_t level, int t, int c, const Index3& at, const Box3& part, void* to, const Index3& stride);
  ChunkCache::Voxels decoded(std::size_t level, int t, int c, const Index3& at);

  const std::filesystem::path& file_;
  const record::ImageInfo& info_;
  const std::vector<Level>& levels_;
  const DType storage_;
  layout::OpenCells cells_;
  ChunkCache cache_;
};

}  // namespace voxflow::archive
