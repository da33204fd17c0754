// Reads the truth that write_facility wrote beside the images.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/core/geometry.hpp"
#include "pipeline/core/transform.hpp"

namespace voxflow::phantom {

/// One row of truth/truth.tsv.
struct ImageTruth {
  std::string image, subject, acquired;
  int objects = 0;
  Point3 shift_um{};  // of channel 1 against channel 0
};

template <class T>
struct TruthVolume {
  Index3 shape{};
  std::vector<T> voxels;  // z-y-x
};

/// Throws UserError when `folder` holds no synthetic facility.
std::vector<ImageTruth> read_truth(const std::filesystem::path& folder);

/// The expected camera signal of one channel. Throws UserError when it is not there.
TruthVolume<float> read_clean(const std::filesystem::path& folder, const std::string& image, int channel);

/// The same as if the microscope did not blur; nothing for an image of beads.
std::optional<TruthVolume<float>> read_sharp(const std::filesystem::path& folder, const std::string& image,
                                             int channel);

/// The labels of an image of nuclei; nothing for an image of beads.
std::optional<TruthVolume<std::uint32_t>> read_labels(const std::filesystem::path& folder, const std::string& image);

}  // namespace voxflow::phantom
