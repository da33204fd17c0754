// Formats that another program has to read: it writes an OME-TIFF, which is read and removed.
#pragma once
#include <filesystem>
#include <memory>

#include "pipeline/interop/image_file.hpp"

namespace voxflow::interop {

/// Runs the site's converter on `file` and opens what it wrote, below the folder for temporary files ($TMPDIR); that
/// goes when the image does. The image's file is the original. Throws UserError when the converter is not installed,
/// fails, or writes nothing: the message ends with its last words.
std::unique_ptr<ImageFile> open_converted(const std::filesystem::path& file, const OpenOptions& options);

}  // namespace voxflow::interop
