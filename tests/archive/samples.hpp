// Small images with a known voxel at every place, for the tests of this room.
#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/record/identity.hpp"

namespace voxflow::test {

using archive::ImageReader;
using archive::ImageWriter;

inline record::ImageInfo image_of(DType dtype, const Index3& shape, int timepoints = 1, int channels = 1) {
  record::ImageInfo info;
  info.dtype = dtype;
  info.kind = dtype == DType::uint32 ? record::ImageKind::labels : record::ImageKind::intensity;
  info.grid = {shape, {{{0.3}, {0.2}, {0.2}}}};
  info.timepoints = timepoints;
  for (int c = 0; c < channels; ++c) info.channels.push_back({"channel " + std::to_string(c), 500.0 + c, std::nullopt});
  return info;
}

/// The voxel at (t, c, z, y, x): different in every volume, smooth with noise, at most 16 bits.
template <class T>
T voxel_at(int t, int c, Index z, Index y, Index x) {
  auto mixed = static_cast<std::uint32_t>(((t * 31 + c) * 1009 + z) * 7919 + y * 104729 + x * 1299709);
  mixed = (mixed ^ (mixed >> 15)) * 2246822519u;
  const auto value = static_cast<std::uint32_t>(t * 5003 + c * 977 + z * 11 + y * 3 + x) + (mixed >> 28);
  if constexpr (std::is_same_v<T, float>)
    return static_cast<float>(value) * 0.25f - 100.0f;
  else
    return static_cast<T>(value);
}

/// Voxels of `box` of (t, c), those outside the volume being 0.
template <class T>
std::vector<T> voxels_of(const record::ImageInfo& info, int t, int c, const Box3& box) {
  std::vector<T> voxels;
  for (Index z = box.origin[kZ]; z < box.end(kZ); ++z)
    for (Index y = box.origin[kY]; y < box.end(kY); ++y)
      for (Index x = box.origin[kX]; x < box.end(kX); ++x)
        voxels.push_back(contains(info.grid.box(), {{z, y, x}, {1, 1, 1}}) ? voxel_at<T>(t, c, z, y, x) : T{});
  return voxels;
}

struct ChunkAt {
  int t, c;
  Index3 chunk;
};

/// Every chunk of an image, in t, c, z, y, x order.
inline std::vector<ChunkAt> all_chunks(const record::ImageInfo& info) {
  std::vector<ChunkAt> chunks;
  const Index3 n = archive::chunk_counts(info.grid);
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c)
      for (Index z = 0; z < n[kZ]; ++z)
        for (Index y = 0; y < n[kY]; ++y)
          for (Index x = 0; x < n[kX]; ++x) chunks.push_back({t, c, {z, y, x}});
  return chunks;
}

inline void put_chunk(ImageWriter& writer, const record::ImageInfo& info, DType storage, const ChunkAt& at) {
  const Index3 chunk = archive::chunk_shape(info.grid);
  const Box3 box{{at.chunk[kZ] * chunk[kZ], at.chunk[kY] * chunk[kY], at.chunk[kX] * chunk[kX]}, chunk};
  visit_dtype(info.dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    const auto voxels = voxels_of<T>(info, at.t, at.c, box);
    writer.put(at.t, at.c, at.chunk, archive::encode_chunk(voxels.data(), voxels.size(), info.dtype, storage));
  });
}

/// Writes the whole image; `chunks` in the order to use. Returns its content digest.
inline Digest write_image(const std::filesystem::path& file, const record::ImageInfo& info, DType storage,
                          const std::vector<ChunkAt>& chunks, const archive::Metadata& metadata = {},
                          archive::ChunkChecksum checksum = archive::ChunkChecksum::none) {
  ImageWriter writer(file, info, storage, checksum);
  for (const ChunkAt& at : chunks) put_chunk(writer, info, storage, at);
  return writer.finish(metadata);
}

inline Digest write_image(const std::filesystem::path& file, const record::ImageInfo& info, DType storage) {
  return write_image(file, info, storage, all_chunks(info));
}
inline Digest write_image(const std::filesystem::path& file, const record::ImageInfo& info) {
  return write_image(file, info, info.dtype);
}

template <class T>
std::vector<T> read_box(const ImageReader& reader, int t, int c, const Box3& box) {
  std::vector<T> voxels(static_cast<std::size_t>(count(box.extent)));
  reader.read(t, c, box, VolumeView<T>(voxels.data(), box.extent));
  return voxels;
}

/// A result's manifest for one image output in data.h5.
inline record::Manifest manifest_of(const record::ImageInfo& info, const Digest& content, const Digest& key) {
  record::Manifest m;
  m.kind = "result";
  m.project = "demo";
  m.task_key = key;
  m.outputs.push_back({"image", "image", "data.h5", content, info, std::nullopt});
  return m;
}

/// The text of the error that `f` throws, "" when it throws none of type E.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  }
  return "";
}

}  // namespace voxflow::test
