#include "pipeline/preview/sheet.hpp"

#include <algorithm>
#include <sstream>

#include "pipeline/preview/colours.hpp"
#include "pipeline/preview/text.hpp"

namespace voxflow::preview {

namespace {
constexpr int kTitleSize = 19, kHeadSize = 15, kNoteSize = 12;
constexpr Index kMargin = 18, kBetweenColumns = 10, kBetweenRows = 14, kLeading = 4;
constexpr Index kLeastCell = 120, kMostNamesWidth = 220;
constexpr Rgb kFailed{255, 107, 107}, kFailedGround{70, 22, 26}, kPlainGround{38, 38, 43};

/// `text` in at most `most` lines of `width` pixels, cut at spaces; the last one takes what is left, shortened.
std::vector<std::string> wrapped(const Pen& pen, const std::string& text, Index width, std::size_t most) {
  std::vector<std::string> lines{""};
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::string longer = lines.back().empty() ? word : lines.back() + " " + word;
    if (lines.back().empty() || pen.width(longer) <= width || lines.size() == most)
      lines.back() = longer;
    else
      lines.push_back(word);
  }
  for (std::string& line : lines) line = pen.fitted(line, width);
  return lines;
}

class Drawing {
 public:
  explicit Drawing(const Sheet& sheet) : sheet_(sheet) { measure(); }
  const SheetLayout& layout() const { return at_; }

  Raster draw() {
    page_ = Raster(at_.height, at_.width, kPage);
    const Index inside = at_.width - 2 * kMargin;
    const Index after = title_.write(page_, kMargin, kMargin, title_.fitted(sheet_.title, inside), kText);
    const Index left = at_.width - kMargin - after - kBetweenColumns;
    if (left > kLeastCell)
      note_.write(page_, kMargin + title_.line_height() - note_.line_height() - 2, after + kBetweenColumns,
                  note_.fitted(sheet_.detail, left), kDimText);
    for (std::size_t c = 0; c < sheet_.columns.size(); ++c) draw_head(c);
    for (std::size_t r = 0; r < sheet_.rows.size(); ++r) {
      draw_name(r);
      for (std::size_t c = 0; c < sheet_.rows[r].cells.size(); ++c) draw_cell(r, c);
    }
    return std::move(page_);
  }

 private:
  void measure() {
    for (const SheetRow& row : sheet_.rows)
      at_.names_width = std::max(at_.names_width, std::min(head_.width(row.name), kMostNamesWidth));
    Index x = kMargin + at_.names_width + kBetweenColumns;
    for (std::size_t c = 0; c < sheet_.columns.size(); ++c) {
      Index width = kLeastCell;
      for (const SheetRow& row : sheet_.rows) width = std::max(width, row.cells[c].picture.width());
      at_.x.push_back(x);
      at_.widths.push_back(width);
      x += width + kBetweenColumns;
    }
    at_.width = x - kBetweenColumns + kMargin;
    Index y = heads_y() + head_.line_height() + note_.line_height() + kLeading;
    for (const SheetRow& row : sheet_.rows) {
      Index height = kLeastCell;
      for (const SheetCell& cell : row.cells) height = std::max(height, cell.picture.height());
      at_.y.push_back(y);
      at_.heights.push_back(height);
      y += height + kLeading + note_.line_height() + kBetweenRows;
    }
    at_.height = y - kBetweenRows + kMargin;
  }

  Index heads_y() const { return kMargin + title_.line_height() + kBetweenRows; }

  void draw_head(std::size_t c) {
    const SheetColumn& column = sheet_.columns[c];
    head_.write(page_, heads_y(), at_.x[c], head_.fitted(column.name, at_.widths[c]), kText);
    note_.write(page_, heads_y() + head_.line_height(), at_.x[c], note_.fitted(column.detail, at_.widths[c]), kDimText);
  }

  void draw_name(std::size_t r) {
    head_.write(page_, at_.y[r], kMargin, head_.fitted(sheet_.rows[r].name, at_.names_width), kText);
  }

  void draw_cell(std::size_t r, std::size_t c) {
    const SheetCell& cell = sheet_.rows[r].cells[c];
    const Index y = at_.y[r], x = at_.x[c], height = at_.heights[r], width = at_.widths[c];
    if (cell.state == SheetCell::State::shown) {
      page_.put(y, x, cell.picture);
      draw_notes(cell.notes, y + cell.picture.height() + kLeading, x, width);
      return;
    }
    const bool failed = cell.state == SheetCell::State::failed;
    page_.fill(y, x, height, width, failed ? kFailedGround : kPlainGround);
    if (failed) frame(y, x, height, width, kFailed);
    if (cell.state == SheetCell::State::missing) frame(y, x, height, width, {80, 80, 86});
    const Index inside = width - 2 * kLeading;
    const auto room = static_cast<std::size_t>(std::max<Index>(1, height / note_.line_height() - 1));
    const auto lines = wrapped(note_, cell.instead, inside, room);
    Index at = y + (height - static_cast<Index>(lines.size()) * note_.line_height()) / 2;
    for (const std::string& line : lines) {
      note_.write(page_, at, x + (width - note_.width(line)) / 2, line, failed ? kFailed : kDimText);
      at += note_.line_height();
    }
  }

  void draw_notes(const std::vector<Note>& notes, Index y, Index x, Index width) {
    const Index end = x + width;
    for (const Note& note : notes)
      if (x < end) x = note_.write(page_, y, x, note_.fitted(note.text, end - x), note.colour) + kBetweenColumns;
  }

  void frame(Index y, Index x, Index height, Index width, Rgb colour) {
    page_.fill(y, x, 1, width, colour);
    page_.fill(y + height - 1, x, 1, width, colour);
    page_.fill(y, x, height, 1, colour);
    page_.fill(y, x + width - 1, height, 1, colour);
  }

  const Sheet& sheet_;
  const Pen title_{kTitleSize}, head_{kHeadSize}, note_{kNoteSize};
  SheetLayout at_;
  Raster page_;
};
}  // namespace

SheetLayout layout(const Sheet& sheet) {
  return Drawing(sheet).layout();
}

Raster draw(const Sheet& sheet) {
  return Drawing(sheet).draw();
}

}  // namespace voxflow::preview
