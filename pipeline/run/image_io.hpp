// Where a task's voxels come from and go to: files of the archive, or memory.
#pragma once
#include <memory>
#include <string>

#include "pipeline/core/geometry.hpp"
#include "pipeline/record/image_info.hpp"
#include "pipeline/sdk/block.hpp"

namespace voxflow::run {

/// One volumetric input. Thread-safe.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  virtual const record::ImageInfo& info() const = 0;
  /// Copies `box` (inside the volume) of (t, c) to `to` with `stride` in voxels; `dtype` is the image's.
  virtual void read(int t, int c, const Box3& box, void* to, const Index3& stride) const = 0;
};

/// One volumetric output, written block by block by any thread of any rank.
class ImageSink {
 public:
  virtual ~ImageSink() = default;
  /// Stores `core` of volume (t, c); the core is a whole number of chunks or ends at the volume's face. Thread-safe.
  virtual void write(int t, int c, const Box3& core, const void* voxels) = 0;
};

}  // namespace voxflow::run
