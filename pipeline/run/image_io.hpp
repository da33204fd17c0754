// Where a task's voxels come from and go to: files of the archive, or memory.
#pragma once
#include <memory>
#include <string>

#include "pipeline/archive/chunks.hpp"
#include "pipeline/core/geometry.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::run {

/// One volumetric input. Thread-safe.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  virtual const record::ImageInfo& info() const = 0;
  /// Copies `box` (inside the volume) of (t, c) to `to` with `stride` in voxels; the voxel type is the image's.
  virtual void read(int t, int c, const Box3& box, void* to, const Index3& stride) const = 0;
};

/// The volumetric outputs of a task. Lives on rank 0 and is called by its main thread only: every rank encodes its own
/// chunks, one writes.
class ImageSink {
 public:
  virtual ~ImageSink() = default;
  /// Announces an output before its first chunk. `storage`: voxel type on disk (archive::encode_chunk).
  virtual void open(const std::string& port, const record::ImageInfo& info, DType storage) = 0;
  /// Stores one chunk; `chunk` counts chunks, z-y-x. Every chunk of every (t, c) comes once, in any order.
  virtual void put(const std::string& port, int t, int c, const Index3& chunk,
                   const archive::EncodedChunk& encoded) = 0;
};

}  // namespace voxflow::run
