// MetaImage, NRRD, NIfTI and PNG, read by ITK.
#pragma once
#include <filesystem>
#include <memory>
#include <string_view>

#include "pipeline/interop/image_file.hpp"

namespace voxflow::interop {

/// Opens what ITK reads; nothing when `head`, the file's first bytes, begins no such format. A fourth axis is time. An
/// uncompressed MetaImage or NIfTI is read by planes; of the others the whole image is held in memory until `close`.
/// Lengths are millimetres, as ITK takes them, where the file names no unit. Throws UserError when the file is damaged,
/// of a voxel type that is not read, or holds several values a voxel.
std::unique_ptr<ImageFile> open_itk(const std::filesystem::path& file, std::string_view head);

}  // namespace voxflow::interop
