// Export: an image of the archive becomes a TIFF that other programs open, with bounded memory whatever its size.
#pragma once
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/interop/tiff_writer.hpp"

namespace voxflow::interop {

struct ExportRequest {
  std::filesystem::path image;  // a data.h5 of the archive
  std::filesystem::path file;   // to be written
  TiffProfile profile = TiffProfile::imagej;
  Existing existing = Existing::refuse;
  std::string name;
  std::vector<std::pair<std::string, std::string>> notes;  // where it comes from; kept in the file
  std::filesystem::path overlay;                           // labels to lie over an ImageJ TIFF; "": none
  bool as_uint16 = false;                                  // float32 images as 16-bit integers
  std::optional<std::array<double, 2>> range;  // values that become 0 and 65535; nothing: the image's own extremes
};

struct Exported {
  DType dtype = DType::uint16;  // of the file
  std::optional<LinearScale> values;
  std::uint64_t saturated_voxels = 0, nan_voxels = 0;  // of an image made uint16
};

/// Writes the image, all timepoints and channels. Labels become the narrowest type that the profile's readers take
/// exactly. What was done to values is noted in the file. Throws UserError when the file is there already or cannot
/// hold the voxels exactly; SystemError and DiskFullError.
Exported export_image(const ExportRequest& request);

/// Copies a table of the archive byte by byte. Throws as export_image does.
void export_table(const std::filesystem::path& table, const std::filesystem::path& file, Existing existing);

}  // namespace voxflow::interop
