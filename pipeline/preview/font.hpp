// The font as it stands in the program: DejaVu Sans, so that pictures need nothing of the machine that draws them.
#pragma once
#include <cstddef>
#include <span>

namespace voxflow::preview {

std::span<const std::byte> font_file();

}  // namespace voxflow::preview
