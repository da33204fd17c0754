// A rendering with what is to be known of it: title above, contrast and kind of view below.
#pragma once
#include <string>
#include <vector>

#include "pipeline/preview/render.hpp"

namespace voxflow::preview {

struct Captions {
  std::string title;
  std::vector<std::string> notes;  // as many to a line as fit
};

struct Page {
  Raster picture;
  Index y = 0, x = 0;  // where the rendering's upper left corner is
};

/// "DAPI 103 to 1840": channel, and the values that are black and full brightness.
std::string contrast_text(const ShownChannel& channel);

Page captioned(const Rendering& rendering, const Captions& captions);

}  // namespace voxflow::preview
