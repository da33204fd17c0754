// A contact sheet: thumbnails in rows and columns with their captions, and marks where there is none.
#pragma once
#include <string>
#include <vector>

#include "pipeline/preview/text.hpp"

namespace voxflow::preview {

struct SheetCell {
  /// `plain`: there is no picture by nature, as of a table; `failed` and `missing` are marked.
  enum class State { shown, plain, failed, missing };
  State state = State::missing;
  Raster picture;           // of a shown one
  std::vector<Note> notes;  // below the picture
  std::string instead;      // in the place of a picture
};

struct SheetColumn {
  std::string name, detail;
};

struct SheetRow {
  std::string name;
  std::vector<SheetCell> cells;  // one a column
};

struct Sheet {
  std::string title, detail;
  std::vector<SheetColumn> columns;
  std::vector<SheetRow> rows;
};

/// Where things are in pixels: cells without their notes.
struct SheetLayout {
  Index height = 0, width = 0, names_width = 0;
  std::vector<Index> y, heights;  // of rows
  std::vector<Index> x, widths;   // of columns
};

SheetLayout layout(const Sheet& sheet);
Raster draw(const Sheet& sheet);

}  // namespace voxflow::preview
