// The SpimData XML by which BigDataViewer opens an image; private to this room.
#pragma once
#include <string>

#include "pipeline/record/image_info.hpp"

namespace voxflow::archive {

/// XML text for the image in `file_name`, a bare file name. Setups are channels; the only transform is the calibration.
std::string spimdata_xml(const record::ImageInfo& info, const std::string& file_name);

}  // namespace voxflow::archive
