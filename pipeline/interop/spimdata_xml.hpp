// The parts of SpimData XML, BigDataViewer's and Multiview-Reconstruction's, that say which volumes there are.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/core/geometry.hpp"

namespace voxflow::interop {

/// One ViewSetup: a volume at every timepoint.
struct SpimSetup {
  int id = 0;
  std::string name;
  int channel = 0, illumination = 0, tile = 0, angle = 0;
  std::string channel_name;
  std::optional<Index3> size;                       // z, y, x
  std::array<std::optional<double>, 3> spacing_um;  // z, y, x
  std::string unit;
};

struct SpimData {
  std::string loader;  // "bdv.hdf5"
  std::string file;    // relative to `base`, or absolute
  std::string base;    // relative to the folder of the XML
  std::vector<SpimSetup> setups;
  std::vector<int> timepoints;               // as they are numbered
  std::vector<std::pair<int, int>> missing;  // timepoint and setup
};

bool is_spimdata(std::string_view text);

/// Throws UserError when the XML is damaged or says no setups or timepoints.
SpimData parse_spimdata(const std::string& xml);

}  // namespace voxflow::interop
