// OME-XML of an image, as it stands inside data.h5 and at the head of an OME-TIFF.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "pipeline/record/image_info.hpp"

namespace voxflow::archive {

/// Where the voxels are that the text describes.
enum class OmeVoxels {
  tiff,          // the pages of the same file: channel first, then z, then timepoint
  metadata_only  // not said
};

/// `info.dtype` is that of the voxels as stored. Channels whose name is "" have none.
struct OmeImageText {
  std::string name;  // "" leaves it out
  record::ImageInfo info;
  std::vector<std::pair<std::string, std::string>> notes;  // a key-value annotation in the namespace "voxflow"
  OmeVoxels voxels = OmeVoxels::metadata_only;
};

/// Text of ASCII characters only, valid against the schema of 2016-06
/// (http://www.openmicroscopy.org/Schemas/OME/2016-06). Characters that XML cannot hold become spaces.
std::string format_ome_xml(const OmeImageText& image);

}  // namespace voxflow::archive
