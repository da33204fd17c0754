#include "pipeline/preview/render.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/preview/colours.hpp"
#include "pipeline/preview/text.hpp"

namespace voxflow::preview {

namespace {
constexpr Index kGap = 4;
constexpr double kBarShare = 0.25;  // of the field's width, at most

/// One of the three views: what its rows and columns are.
struct Side {
  Axis rows, columns;
  Plane<float> Views<float>::*intensity;
  Plane<std::uint32_t> Views<std::uint32_t>::*labels;
};
constexpr Side kAlongZ{kY, kX, &Views<float>::xy, &Views<std::uint32_t>::xy};
constexpr Side kAlongY{kZ, kX, &Views<float>::xz, &Views<std::uint32_t>::xz};
constexpr Side kAlongX{kY, kZ, &Views<float>::yz, &Views<std::uint32_t>::yz};

class Renderer {
 public:
  Renderer(const Scene& scene, const Viewing& viewing) : scene_(scene), viewing_(viewing) {
    out_.scale = fitting_scale(scene.grid, viewing.cut.sides, viewing.size);
  }

  Rendering render() {
    read();
    const Raster front = panel(kAlongZ);
    out_.picture = front;
    if (viewing_.cut.sides == Sides::both) {
      const Raster right = panel(kAlongX), below = panel(kAlongY);
      out_.gap = kGap;
      out_.picture = Raster(front.height() + kGap + below.height(), front.width() + kGap + right.width(), kPage);
      out_.picture.put(0, 0, front);
      out_.picture.put(0, front.width() + kGap, right);
      out_.picture.put(front.height() + kGap, 0, below);
    }
    if (viewing_.bar == ScaleBar::drawn) draw_bar(front.height(), front.width());
    return std::move(out_);
  }

 private:
  void read() {
    const auto colours = channel_colours(scene_.channels.size());
    for (const Channel& channel : scene_.channels) {
      intensities_.push_back(intensity_views(scene_.grid.shape, out_.scale.bin, viewing_.cut, channel.read));
      const auto& shown = intensities_.back().xy.values;
      const Contrast contrast = scene_.tone == Tone::linear ? robust_contrast(shown) : logarithmic_contrast(shown);
      out_.channels.push_back({channel.name, colours.at(out_.channels.size()), contrast});
    }
    for (const Outlines& outlines : scene_.outlines)
      labels_.push_back(label_views(scene_.grid.shape, out_.scale.bin, viewing_.cut, outlines.read));
  }

  /// For each pixel along `axis` the bin that it shows.
  std::vector<Index> bins_along(Axis axis) const {
    const double bin_um = scene_.grid.spacing[axis].value * static_cast<double>(out_.scale.bin[axis]);
    const Index bins = (scene_.grid.shape[axis] + out_.scale.bin[axis] - 1) / out_.scale.bin[axis];
    std::vector<Index> shown(static_cast<std::size_t>(pixels_along(scene_.grid, axis, out_.scale)));
    for (std::size_t i = 0; i < shown.size(); ++i)
      shown[i] =
          std::min(bins - 1, static_cast<Index>((static_cast<double>(i) + 0.5) * out_.scale.um_per_pixel / bin_um));
    return shown;
  }

  Raster panel(const Side& side) const {
    const auto rows = bins_along(side.rows), columns = bins_along(side.columns);
    Raster picture(static_cast<Index>(rows.size()), static_cast<Index>(columns.size()));
    for (Index y = 0; y < picture.height(); ++y)
      for (Index x = 0; x < picture.width(); ++x)
        picture.at(y, x) = composite(side, rows[static_cast<std::size_t>(y)], columns[static_cast<std::size_t>(x)]);
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      const auto& plane = labels_[i].*side.labels;
      Plane<std::uint32_t> shown(picture.height(), picture.width(), 0);
      for (Index y = 0; y < shown.height; ++y)
        for (Index x = 0; x < shown.width; ++x)
          shown.at(y, x) = plane.at(rows[static_cast<std::size_t>(y)], columns[static_cast<std::size_t>(x)]);
      draw_regions(shown, scene_.outlines[i].regions, picture);
    }
    return picture;
  }

  Rgb composite(const Side& side, Index row, Index column) const {
    double red = 0, green = 0, blue = 0;
    for (std::size_t i = 0; i < intensities_.size(); ++i) {
      const ShownChannel& channel = out_.channels[i];
      const double bright =
          brightness((intensities_[i].*side.intensity).at(row, column), channel.contrast, scene_.tone);
      if (scene_.tone == Tone::logarithmic && intensities_.size() == 1) return heat_colour(bright);
      red += bright * channel.colour.red;
      green += bright * channel.colour.green;
      blue += bright * channel.colour.blue;
    }
    const auto byte = [](double v) { return static_cast<std::uint8_t>(std::lround(std::min(v, 255.0))); };
    return {byte(red), byte(green), byte(blue)};
  }

  void draw_regions(const Plane<std::uint32_t>& labels, Regions regions, Raster& picture) const {
    const bool filled = scene_.channels.empty();
    const Index thick = out_.scale.um_per_pixel * kThickFrom <= finest_um() * (1 + 1e-6) ? 2 : 1;
    for (Index y = 0; y < labels.height; ++y)
      for (Index x = 0; x < labels.width; ++x)
        if (const std::uint32_t label = labels.at(y, x); label != 0 && (filled || on_edge(labels, y, x, thick)))
          picture.at(y, x) = regions == Regions::mask ? (filled ? kWhite : kMaskColour) : label_colour(label);
  }

  /// Whether another label or the background is nearer than `thick` pixels along y or x.
  static bool on_edge(const Plane<std::uint32_t>& labels, Index y, Index x, Index thick) {
    const std::uint32_t label = labels.at(y, x);
    for (Index step = 1; step <= thick; ++step)
      if ((y >= step && labels.at(y - step, x) != label) || (x >= step && labels.at(y, x - step) != label) ||
          (y + step < labels.height && labels.at(y + step, x) != label) ||
          (x + step < labels.width && labels.at(y, x + step) != label))
        return true;
    return false;
  }

  double finest_um() const { return std::min(scene_.grid.spacing[kY].value, scene_.grid.spacing[kX].value); }

  /// In the lower right corner of the view along z.
  void draw_bar(Index height, Index width) {
    const int letters = static_cast<int>(std::clamp<Index>(std::min(height, width) / 32, 11, 18));
    const Pen pen(letters);
    const Index margin = letters, thick = std::max<Index>(3, letters / 3);
    const double length = round_length(static_cast<double>(width) * out_.scale.um_per_pixel * kBarShare);
    const auto pixels = static_cast<Index>(std::lround(length / out_.scale.um_per_pixel));
    const std::string text = fmt::format("{} \u00b5m", length);
    const Index wide = std::max(pixels, pen.width(text)), high = pen.line_height() + 2 + thick;
    if (pixels < 1 || wide + 2 * margin > width || high + 2 * margin > height) return;
    const Index y = height - margin - high, x = width - margin - wide, pad = margin / 2;
    out_.picture.mix(y - pad, x - pad, high + 2 * pad, wide + 2 * pad, kBlack, kBackdrop);
    pen.write(out_.picture, y, x + (wide - pen.width(text)) / 2, text, kWhite);
    out_.bar_y = height - margin - 1;
    out_.bar_x = x + (wide - pixels) / 2;
    out_.bar_pixels = pixels;
    out_.bar_um = length;
    out_.picture.fill(out_.bar_y - thick + 1, out_.bar_x, thick, pixels, kWhite);
  }

  static constexpr double kThickFrom = 2;  // enlargement from which outlines are two pixels thick
  static constexpr double kBackdrop = 0.55;

  const Scene& scene_;
  const Viewing& viewing_;
  Rendering out_;
  std::vector<Views<float>> intensities_;
  std::vector<Views<std::uint32_t>> labels_;
};
}  // namespace

Rendering render(const Scene& scene, const Viewing& viewing) {
  if (scene.channels.size() > kMostChannels)
    throw InternalError(fmt::format("{} channels are too many for one picture", scene.channels.size()));
  return Renderer(scene, viewing).render();
}

}  // namespace voxflow::preview
