// From voxels to a picture: channels in colours, labels in colours or as outlines, sides, scale bar.
#pragma once
#include <string>
#include <vector>

#include "pipeline/preview/contrast.hpp"
#include "pipeline/preview/raster.hpp"
#include "pipeline/preview/scale.hpp"
#include "pipeline/preview/views.hpp"

namespace voxflow::preview {

struct Channel {
  std::string name;
  ReadBox<float> read;
};

enum class Regions { labels, mask };

/// Numbered regions, or one.
struct Outlines {
  std::string name;
  Regions regions = Regions::labels;
  ReadBox<std::uint32_t> read;
};

/// Volumes of one grid that are shown together: regions are outlines over channels, or filled where there are none.
struct Scene {
  Grid grid;
  std::vector<Channel> channels;  // at most kMostChannels
  std::vector<Outlines> outlines;
  Tone tone = Tone::linear;
};

enum class ScaleBar { none, drawn };

struct Viewing {
  Cut cut;
  Size size;
  ScaleBar bar = ScaleBar::drawn;
};

struct ShownChannel {
  std::string name;
  Rgb colour;
  Contrast contrast;
};

/// The picture: view along z; right of it the one along x, below it the one along y, where there are sides.
struct Rendering {
  Raster picture;
  Scale scale;
  Index gap = 0;  // pixels between the views
  /// Lower left corner of the scale bar, its pixels and micrometres; 0 where there is none.
  Index bar_y = 0, bar_x = 0, bar_pixels = 0;
  double bar_um = 0;
  std::vector<ShownChannel> channels;
};

Rendering render(const Scene& scene, const Viewing& viewing);

}  // namespace voxflow::preview
