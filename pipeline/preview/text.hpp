// Text in pictures, in a font that the library carries with it.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "pipeline/preview/raster.hpp"

namespace voxflow::preview {

/// Text and its colour.
struct Note {
  std::string text;
  Rgb colour;
};

/// Writes text of one size. Not thread-safe; one a thread.
class Pen {
 public:
  /// `size`: pixels from line to line's letters (an em).
  explicit Pen(int size);
  ~Pen();
  Pen(const Pen&) = delete;
  Pen& operator=(const Pen&) = delete;

  /// Pixels from the top of the highest letters to the bottom of the lowest ones.
  Index line_height() const;
  /// Pixels that `text` (UTF-8) takes along x.
  Index width(std::string_view text) const;
  /// Writes with the line's upper left corner at (y, x); returns where the next letter would begin.
  Index write(Raster& picture, Index y, Index x, std::string_view text, Rgb colour) const;
  /// `text`, with "…" in its middle where it would take more than `most` pixels.
  std::string fitted(std::string_view text, Index most) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace voxflow::preview
