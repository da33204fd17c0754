#include "pipeline/preview/picture.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "pipeline/preview/colours.hpp"
#include "pipeline/preview/text.hpp"

namespace voxflow::preview {

namespace {
constexpr int kTitleSize = 17, kNoteSize = 14;
constexpr Index kMargin = 14, kLeastWidth = 440, kBetweenNotes = 22, kLeading = 5;

/// Notes flow from left to right, a new line where the next one would not fit.
std::vector<std::vector<Note>> lines(const std::vector<Note>& notes, const Pen& pen, Index width) {
  std::vector<std::vector<Note>> result;
  Index used = width + 1;
  for (const Note& note : notes) {
    const Note shown{pen.fitted(note.text, width), note.colour};
    const Index wide = pen.width(shown.text);
    if (used + kBetweenNotes + wide > width) {
      result.emplace_back();
      used = -kBetweenNotes;
    }
    result.back().push_back(shown);
    used += kBetweenNotes + wide;
  }
  return result;
}

/// Whole from 100 on, else three digits; very large and very small ones with an exponent.
std::string number_text(double value) {
  const double size = std::abs(value);
  return size >= 100 && size < 1e7 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}
}  // namespace

std::string contrast_text(const ShownChannel& channel) {
  return fmt::format("{}{}{} to {}", channel.name, channel.name.empty() ? "" : " ", number_text(channel.contrast.low),
                     number_text(channel.contrast.high));
}

Page captioned(const Rendering& rendering, const Captions& captions) {
  const Pen title(kTitleSize), pen(kNoteSize);
  const Index inside = std::max(rendering.picture.width(), kLeastWidth);
  std::vector<Note> channels, notes;
  for (const ShownChannel& channel : rendering.channels) channels.push_back({contrast_text(channel), channel.colour});
  for (const std::string& note : captions.notes) notes.push_back({note, kDimText});
  auto below = lines(channels, pen, inside);
  for (auto& line : lines(notes, pen, inside)) below.push_back(std::move(line));

  const Index line = pen.line_height() + kLeading, top = kMargin + title.line_height() + kLeading + 3;
  const Index bottom = top + rendering.picture.height() + kLeading + 4;
  Page page{Raster(bottom + static_cast<Index>(below.size()) * line + kMargin - kLeading, inside + 2 * kMargin, kPage),
            top, kMargin + (inside - rendering.picture.width()) / 2};
  title.write(page.picture, kMargin, kMargin, title.fitted(captions.title, inside), kText);
  page.picture.put(page.y, page.x, rendering.picture);
  Index y = bottom;
  for (const auto& row : below) {
    Index x = kMargin;
    for (const Note& note : row) x = pen.write(page.picture, y, x, note.text, note.colour) + kBetweenNotes;
    y += line;
  }
  return page;
}

}  // namespace voxflow::preview
