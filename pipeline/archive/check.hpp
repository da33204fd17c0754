// Holds an artifact against the rules that BigDataViewer, Bio-Formats, h5py and h5wasm need; docs/checking.md lists
// them.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace voxflow::archive {

/// One rule that an artifact breaks, or, as a note, what some reader makes of it that is within the rules.
struct Finding {
  std::string rule;   // "filters"
  std::string place;  // file, and object inside of it
  std::string value, allowed, remedy;
  bool note = false;
  /// "place: value; allowed: ...; remedy (rule 'filters')"
  std::string text() const;
};

enum class CheckVoxels { yes, no };

/// The image in a data.h5 and its data.xml. With `yes` the smaller copies are computed again, which reads every voxel.
/// Throws UserError when there is no such file, SystemError when it cannot be read.
std::vector<Finding> check_image(const std::filesystem::path& file, CheckVoxels voxels);

/// Every image of an artifact's folder, and what its manifest says of their sizes where there is one. Throws as
/// check_image, and UserError when the folder holds no .h5 file.
std::vector<Finding> check_artifact(const std::filesystem::path& folder, CheckVoxels voxels);

}  // namespace voxflow::archive
