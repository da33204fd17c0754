#include "pipeline/preview/raster.hpp"

#include <algorithm>
#include <cmath>

namespace voxflow::preview {

void Raster::fill(Index y, Index x, Index height, Index width, Rgb colour) {
  const Index first = std::max<Index>(x, 0), last = std::min(x + width, width_);
  for (Index row = std::max<Index>(y, 0); row < std::min(y + height, height_); ++row)
    for (Index column = first; column < last; ++column) at(row, column) = colour;
}

void Raster::put(Index y, Index x, const Raster& part) {
  for (Index row = std::max<Index>(-y, 0); row < std::min(part.height(), height_ - y); ++row)
    for (Index column = std::max<Index>(-x, 0); column < std::min(part.width(), width_ - x); ++column)
      at(y + row, x + column) = part.at(row, column);
}

void Raster::mix(Index y, Index x, Rgb colour, double share) {
  if (y < 0 || x < 0 || y >= height_ || x >= width_) return;
  const auto mixed = [share](std::uint8_t below, std::uint8_t above) {
    return static_cast<std::uint8_t>(std::lround(below + share * (above - below)));
  };
  Rgb& pixel = at(y, x);
  pixel = {mixed(pixel.red, colour.red), mixed(pixel.green, colour.green), mixed(pixel.blue, colour.blue)};
}

void Raster::mix(Index y, Index x, Index height, Index width, Rgb colour, double share) {
  for (Index row = y; row < y + height; ++row)
    for (Index column = x; column < x + width; ++column) mix(row, column, colour, share);
}

}  // namespace voxflow::preview
