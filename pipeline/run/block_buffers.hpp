// The voxels of one block on their way: read and converted for the kernel, then converted, cut into chunks and encoded.
#pragma once
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#include "pipeline/archive/chunks.hpp"
#include "pipeline/run/geometry.hpp"
#include "pipeline/run/image_io.hpp"

namespace voxflow::run {

/// Zeroed memory, aligned for every vector unit and FFT library.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(std::size_t size_bytes);
  void* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> data_;
};

/// A block with the memory behind its ports.
struct FilledBlock {
  Block block;
  std::vector<AlignedBuffer> memory;
  std::uint64_t nan_voxels = 0;  // among the core's (with a footprint: among those read)
};

/// Reads what `call` needs of `core`. With NanPolicy::refused a NaN is a UserError that names port, timepoint, channel
/// and voxel. Outputs are zero.
FilledBlock fill_block(const Layout& layout, const std::map<std::string, std::shared_ptr<const ImageSource>>& sources,
                       const BoundKernel& bound, const AnyState& state, const Call& call, const Box3& core,
                       NanPolicy nan);

/// A chunk of `info`'s volume on its way to rank 0.
struct ChunkPart {
  Index3 chunk{};
  archive::EncodedChunk encoded;
};

/// Cuts `core` (dense, voxels of `memory`) into chunks of `info`, converts them and encodes them as `storage`. Voxels
/// that do not fit info.dtype are clamped and counted.
std::vector<ChunkPart> encode_core(const record::ImageInfo& info, const Box3& core, const void* voxels, DType memory,
                                   DType storage, std::uint64_t& clamped_voxels);

}  // namespace voxflow::run
