// The parts of OME-XML (2016-06 and its forerunners) that say what the pages of a TIFF are.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/record/annotation.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::interop {

/// Consecutive pages of one file and the plane with which they begin.
struct OmePages {
  long z = 0, c = 0, t = 0;
  long page = 0;
  std::optional<long> count;  // nothing: all that are left
  std::string file, uuid;     // "" for the file that holds the text
};

/// One Image element.
struct OmeImage {
  std::string name;
  std::string type;                                 // "uint16", "float", ...
  std::string order;                                // "XYZCT": which axis runs faster
  std::array<long, 5> shape{1, 1, 1, 1, 1};         // t, c, z, y, x
  std::array<std::optional<double>, 3> spacing_um;  // z, y, x
  std::vector<record::Channel> channels;            // names may be ""
  std::optional<double> time_step_s;
  std::vector<record::Annotation> annotations;  // acquired, instrument, numerical_aperture, ...
  std::vector<OmePages> pages;                  // in the order of the text; empty: all pages from the first
};

struct OmeDocument {
  std::string uuid;
  std::string metadata_file;  // set where the text only names the file that describes the images
  std::vector<OmeImage> images;
};

bool is_ome_xml(std::string_view text);

/// Throws UserError when `xml` is damaged or lacks sizes or order.
OmeDocument parse_ome_xml(const std::string& xml);

}  // namespace voxflow::interop
