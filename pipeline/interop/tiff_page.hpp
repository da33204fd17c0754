// The page at which libtiff's handle stands: its size and type, and its voxels; included by the sources of this room
// only.
#pragma once
#include <tiffio.h>

#include <cstdint>

#include "pipeline/interop/tiff_file.hpp"

namespace voxflow::interop {

/// `imagej`: the file is one of ImageJ's, which keeps voxels as they are where it says that 0 is white.
PageInfo describe_page(TIFF* tiff, bool imagej, std::uint64_t file_bytes);

/// Voxels that cannot be decoded; libtiff's message says why.
struct DamagedPage {};

/// Copies the page's samples, row by row, in this machine's byte order. Throws DamagedPage.
void read_voxels(TIFF* tiff, const PageInfo& page, unsigned char* to);

}  // namespace voxflow::interop
