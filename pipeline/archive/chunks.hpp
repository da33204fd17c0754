// How volumes are cut into chunks, and how one chunk is encoded and decoded.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/core/dtype.hpp"
#include "pipeline/core/geometry.hpp"
#include "pipeline/core/hash.hpp"

namespace voxflow::archive {

/// Chunk shape of a volume, version 1: 1×512×512 for single planes, 64³ for near-isotropic volumes, 32×128×128 where z
/// is at least twice as coarse as x; never larger than the volume. Part of every image's identity: never changed.
Index3 chunk_shape(const Grid& grid);

/// Chunks along each axis.
Index3 chunk_counts(const Grid& grid);

/// A chunk as it goes to disk, with the digest of its decoded bytes.
struct EncodedChunk {
  Digest digest;  // over all voxels of the chunk, those outside the volume being 0, in the image's dtype
  std::vector<std::uint8_t> bytes;  // shuffle + deflate of the storage type
};

/// What a thread keeps for encoding and decoding chunks of that shape and type, beside their voxels.
std::size_t codec_bytes(const Index3& chunk, DType dtype);

/// Encodes `voxels` (a whole chunk of `chunk_voxels` values of `dtype`, zero outside the volume), stored as `storage`
/// (uint16 for labels of dtype uint32 that fit, else equal to `dtype`). Thread-safe.
EncodedChunk encode_chunk(const void* voxels, std::size_t chunk_voxels, DType dtype, DType storage);

/// Inverse of encode_chunk: writes `chunk_voxels` values of `dtype` to `voxels`. Thread-safe. Throws SystemError when
/// the bytes are damaged.
void decode_chunk(const std::uint8_t* bytes, std::size_t size_bytes, std::size_t chunk_voxels, DType storage,
                  DType dtype, void* voxels);

/// The same for the voxels `part` of a chunk of the shape `chunk`: `to` is where the part's first voxel goes, `stride`
/// (z, y, x) its neighbours' distances in voxels, rows being contiguous.
void decode_part(std::span<const std::uint8_t> bytes, const Index3& chunk, DType storage, DType dtype, const Box3& part,
                 void* to, const Index3& stride);

}  // namespace voxflow::archive
