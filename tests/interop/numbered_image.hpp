// Images whose voxels say where they are, as the Python that writes samples numbers them.
#pragma once
#include <string>
#include <vector>

#include "pipeline/interop/image_file.hpp"
#include "tests/interop/tiff_samples.hpp"
#include "tests/support/oracles.hpp"
#include "tests/support/temporary.hpp"

namespace voxflow::test {

/// Python that defines volume(t, c, (z, y, x), dtype).
inline const std::string kNumberedVolume =
    "import sys, struct, gzip, numpy\n"
    "def numbered(t, c, z, y, x): return (((t * 5 + c) * 7 + z) * 11 + y) * 13 + x\n"
    "def volume(t, c, shape, dtype='u2'): return numpy.fromfunction(lambda z, y, x: numbered(t, c, z, y, x), shape)."
    "astype(dtype)\n";

inline double numbered_value(int t, int c, Index z, Index y, Index x) {
  return static_cast<double>((((t * 5 + c) * 7 + z) * 11 + y) * 13 + x);
}

/// Whether every voxel says where it is.
template <class T>
bool numbered(interop::ImageFile& image) {
  const interop::ImageFacts& f = image.facts();
  std::vector<T> voxels(static_cast<std::size_t>(count(f.shape)));
  for (int t = 0; t < f.timepoints; ++t)
    for (int c = 0; c < static_cast<int>(f.channels.size()); ++c) {
      // In two calls, of which the second begins within the volume.
      const Index half = f.shape[kZ] / 2;
      if (half > 0) image.read_planes(t, c, 0, half, voxels.data());
      image.read_planes(t, c, half, f.shape[kZ] - half, voxels.data() + half * f.shape[kY] * f.shape[kX]);
      std::size_t i = 0;
      for (Index z = 0; z < f.shape[kZ]; ++z)
        for (Index y = 0; y < f.shape[kY]; ++y)
          for (Index x = 0; x < f.shape[kX]; ++x)
            if (voxels[i++] != static_cast<T>(numbered_value(t, c, z, y, x))) return false;
    }
  return true;
}

/// A folder in which Python writes samples, and what import says of them.
struct SampleFolder {
  TestFolder folder;
  /// Runs `lines` with the file's path in sys.argv[1]; false, with a message, where Python is not installed.
  bool write(const std::string& name, const std::string& lines) const {
    const auto said = python_says(kNumberedVolume + lines + "\nprint('written')\n", {(folder / name).string()});
    if (said) REQUIRE(*said == "written\n");
    return said.has_value();
  }
  std::string refusal(const std::string& name, const interop::OpenOptions& options = {}) const {
    return message_of<UserError>([&] { interop::open_image(folder / name, options); });
  }
  std::string place(const std::string& name) const { return "'" + (folder / name).string() + "'"; }
};

using Spacing = std::array<std::optional<double>, 3>;

}  // namespace voxflow::test
