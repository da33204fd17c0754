// What the checks of one image share: its file, what was found in it so far; private to this room.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "pipeline/archive/check.hpp"
#include "pipeline/archive/hdf5.hpp"

namespace voxflow::archive {

/// What is known of a channel from the file itself.
struct CheckedSetup {
  std::string type;                            // "uint16", "int16 big-endian"
  Index3 shape{};                              // of level 0
  std::array<double, 3> spacing_um{};          // z, y, x; 0 where nothing says it
  std::vector<std::array<double, 3>> factors;  // a level, x, y, z
  std::vector<Index3> chunks;                  // a level, z, y, x
};

class CheckedImage {
 public:
  explicit CheckedImage(std::filesystem::path image) : file(std::move(image)) {}

  /// A finding at an object of the file ("" for the file itself). Of one rule the first few places are kept, the others
  /// counted.
  void refuse(const std::string& rule, const std::string& object, const std::string& value, const std::string& allowed,
              const std::string& remedy);
  void note(const std::string& rule, const std::string& value, const std::string& allowed, const std::string& remedy);
  bool sound() const { return counts_.empty(); }
  std::vector<Finding> take();

  std::filesystem::path file;
  hdf5::Handle h5;
  int timepoints = 0;
  std::vector<CheckedSetup> setups;

 private:
  std::vector<Finding> findings_;
  std::map<std::string, std::size_t> counts_;  // of refusals by rule
};

inline constexpr const char* kMakeAgain =
    "restore the artifact with `voxflow verify --repair`, or make it again from its source";

/// Groups, datasets, types and filters. Fills in timepoints and setups.
void check_layout(CheckedImage& image);
/// data.xml beside the file, and the OME-XML inside.
void check_xml(CheckedImage& image);
/// The smaller copies against the image. Only for a file that is sound so far.
void check_levels(CheckedImage& image);

}  // namespace voxflow::archive
