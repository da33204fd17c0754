// Real volumes with known nuclei: reading them, and how well labels cover them.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "pipeline/interop/tiff_image.hpp"

namespace voxflow::test {

/// The voxels of a TIFF with one channel and timepoint, z-y-x, and their shape.
template <class T>
struct TiffVolume {
  Index3 shape{};
  std::vector<T> voxels;
};

template <class T>
TiffVolume<T> read_tiff(const std::filesystem::path& file) {
  interop::TiffImage image(file);
  const Index3& shape = image.facts().shape;
  TiffVolume<T> volume{shape, {}};
  const DType dtype = stored_dtype(image.facts().type);
  std::vector<std::byte> plane(static_cast<std::size_t>(shape[kY] * shape[kX]) * size_bytes(dtype));
  for (Index z = 0; z < shape[kZ]; ++z) {
    image.read_plane(0, 0, z, plane.data());
    visit_dtype(dtype, [&](auto* type) {
      const auto* first = reinterpret_cast<decltype(type)>(plane.data());
      for (const auto* v = first; v != first + shape[kY] * shape[kX]; ++v) volume.voxels.push_back(static_cast<T>(*v));
    });
  }
  return volume;
}

/// Dice's coefficient of what is labelled at all.
inline double foreground_dice(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
  double both = 0, sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += a[i] != 0 && b[i] != 0 ? 1 : 0;
    sum += (a[i] != 0 ? 1 : 0) + (b[i] != 0 ? 1 : 0);
  }
  return 2 * both / sum;
}

}  // namespace voxflow::test
