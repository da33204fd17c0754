// OME-XML texts for tests.
#pragma once
#include <fmt/format.h>

#include <array>
#include <string>

namespace voxflow::test {

/// One Image; the texts are put in as they stand.
struct OmeSample {
  std::string order = "XYZCT", type = "uint16", uuid = "urn:uuid:0", name = "sample";
  std::array<long, 5> shape{1, 1, 1, 1, 1};  // t, c, z, y, x
  std::string pixels, channels, image, instrument;

  std::string image_element(const std::string& tiff_data) const {
    return fmt::format(
        "<Image ID='Image:0' Name='{}'>{}<Pixels ID='Pixels:0' DimensionOrder='{}' Type='{}' SizeT='{}' SizeC='{}' "
        "SizeZ='{}' SizeY='{}' SizeX='{}' {}>{}{}</Pixels></Image>",
        name, image, order, type, shape[0], shape[1], shape[2], shape[3], shape[4], pixels, channels, tiff_data);
  }
  std::string xml(const std::string& tiff_data) const {
    return fmt::format(
        "<?xml version='1.0' encoding='UTF-8'?><OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06' "
        "UUID='{}'>"
        "{}{}</OME>",
        uuid, instrument, image_element(tiff_data));
  }
};

}  // namespace voxflow::test
