#include "pipeline/preview/font.hpp"

asm(".pushsection .rodata\n"
    ".balign 16\n"
    "voxflow_font_begin:\n"
    ".incbin \"" VOXFLOW_FONT_FILE
    "\"\n"
    "voxflow_font_end:\n"
    ".global voxflow_font_begin, voxflow_font_end\n"
    ".popsection\n");

extern "C" const std::byte voxflow_font_begin[], voxflow_font_end[];

namespace voxflow::preview {

std::span<const std::byte> font_file() {
  return {voxflow_font_begin, voxflow_font_end};
}

}  // namespace voxflow::preview
