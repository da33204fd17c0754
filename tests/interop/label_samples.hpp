// Label images whose voxels a function says, in an archive.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "pipeline/archive/image_file.hpp"

namespace voxflow::test {

using LabelAt = std::function<std::uint32_t(int t, int c, Index z, Index y, Index x)>;

inline record::ImageInfo labels_of(const Index3& shape, int timepoints = 1, int channels = 1) {
  record::ImageInfo info;
  info.kind = record::ImageKind::labels;
  info.dtype = DType::uint32;
  info.grid = {shape, {{{0.5}, {0.2}, {0.2}}}};
  info.timepoints = timepoints;
  for (int c = 0; c < channels; ++c) info.channels.push_back({"channel " + std::to_string(c), {}, {}});
  return info;
}

/// All voxels of the image, t c z y x.
inline std::vector<std::uint32_t> label_voxels(const record::ImageInfo& info, const LabelAt& label) {
  std::vector<std::uint32_t> voxels;
  const Index3& n = info.grid.shape;
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c)
      for (Index z = 0; z < n[kZ]; ++z)
        for (Index y = 0; y < n[kY]; ++y)
          for (Index x = 0; x < n[kX]; ++x) voxels.push_back(label(t, c, z, y, x));
  return voxels;
}

inline Digest write_labels(const std::filesystem::path& file, const record::ImageInfo& info, const LabelAt& label) {
  archive::ImageWriter writer(file, info, info.dtype);
  const Index3 chunk = archive::chunk_shape(info.grid), counts = archive::chunk_counts(info.grid), n = info.grid.shape;
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c)
      for (Index i = 0; i < count(counts); ++i) {
        const Index3 at{i / (counts[kY] * counts[kX]), i / counts[kX] % counts[kY], i % counts[kX]};
        std::vector<std::uint32_t> voxels;
        for (Index k = 0; k < count(chunk); ++k) {
          const Index z = at[kZ] * chunk[kZ] + k / (chunk[kY] * chunk[kX]),
                      y = at[kY] * chunk[kY] + k / chunk[kX] % chunk[kY], x = at[kX] * chunk[kX] + k % chunk[kX];
          voxels.push_back(z < n[kZ] && y < n[kY] && x < n[kX] ? label(t, c, z, y, x) : 0);
        }
        writer.put(t, c, at, archive::encode_chunk(voxels.data(), voxels.size(), info.dtype, info.dtype));
      }
  return writer.finish({});
}

}  // namespace voxflow::test
