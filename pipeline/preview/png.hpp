// Pictures as PNG files in memory.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "pipeline/preview/raster.hpp"

namespace voxflow::preview {

/// Keyword (1 to 79 Latin letters) and text (UTF-8) that travel inside the file: {"Title", "nuclei_1"}.
using PngTexts = std::vector<std::pair<std::string, std::string>>;

/// The bytes of a PNG file of 8-bit RGB. Throws InternalError when libpng refuses.
std::string encode_png(const Raster& picture, const PngTexts& texts = {});

}  // namespace voxflow::preview
