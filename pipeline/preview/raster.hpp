// A picture in memory: rows of red, green, blue, and what is drawn into it without text.
#pragma once
#include <cstdint>
#include <vector>

#include "pipeline/core/geometry.hpp"

namespace voxflow::preview {

struct Rgb {
  std::uint8_t red = 0, green = 0, blue = 0;
  friend bool operator==(const Rgb&, const Rgb&) = default;
};

/// A rectangle of pixels; drawing outside it is cut off.
class Raster {
 public:
  Raster() = default;
  Raster(Index height, Index width, Rgb colour = {})
      : height_(height), width_(width), pixels_(static_cast<std::size_t>(height * width), colour) {}

  Index height() const { return height_; }
  Index width() const { return width_; }
  Rgb& at(Index y, Index x) { return pixels_[static_cast<std::size_t>(y * width_ + x)]; }
  const Rgb& at(Index y, Index x) const { return pixels_[static_cast<std::size_t>(y * width_ + x)]; }

  void fill(Index y, Index x, Index height, Index width, Rgb colour);
  /// Puts `part` with its upper left corner at (y, x).
  void put(Index y, Index x, const Raster& part);
  /// Mixes `colour` into one pixel; `share` 1 replaces it.
  void mix(Index y, Index x, Rgb colour, double share);
  void mix(Index y, Index x, Index height, Index width, Rgb colour, double share);

 private:
  Index height_ = 0, width_ = 0;
  std::vector<Rgb> pixels_;
};

}  // namespace voxflow::preview
