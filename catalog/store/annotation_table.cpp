#include "catalog/store/annotation_table.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "catalog/store/annotation_rules.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::catalog {

using record::Annotation;
using record::AnnotationChange;
using record::AnnotationKey;
using record::AnnotationType;

namespace {
constexpr const char* kNothingDone = "nothing was annotated";

struct Cell {
  std::string text;
  int line = 0, column = 0, length = 0;
};
using Row = std::vector<Cell>;

/// Cuts text into rows of cells; cells may stand in double quotes, with "" for one quote (RFC 4180).
class CellReader {
 public:
  CellReader(std::string_view text, char separator, std::vector<Problem>& problems)
      : text_(text), separator_(separator), problems_(problems) {}

  std::vector<Row> run() {
    std::vector<Row> rows;
    while (at_ < text_.size()) {
      Row row = read_row();
      if (row.size() > 1 || !row[0].text.empty()) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  Row read_row() {
    Row row;
    for (;;) {
      row.push_back(read_cell());
      if (at_ < text_.size() && text_[at_] == separator_) {
        ++at_;
        continue;
      }
      if (at_ < text_.size()) next_line();
      return row;
    }
  }

  void next_line() {
    ++at_;
    ++line_;
    line_start_ = at_;
  }

  Cell read_cell() {
    Cell cell{"", line_, static_cast<int>(at_ - line_start_) + 1, 1};
    const std::size_t start = at_;
    if (at_ < text_.size() && text_[at_] == '"') read_quoted(cell);
    while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') cell.text += text_[at_++];
    cell.text = trim(cell.text);
    cell.length = std::max(1, static_cast<int>(at_ - start));
    return cell;
  }

  void read_quoted(Cell& cell) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        if (at_ == text_.size() || text_[at_] != '"') return;
      }
      cell.text += text_[at_];
      if (text_[at_] == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      }
    }
    problems_.push_back({cell.line, cell.column, 1, "the closing quotation mark of this cell is missing", ""});
  }

  std::string_view text_;
  char separator_;
  std::vector<Problem>& problems_;
  std::size_t at_ = 0, line_start_ = 0;
  int line_ = 1;
};

struct KeyColumn {
  AnnotationKey key;  // as declared, or as the column shows
  std::string unit;   // of cells without one; "" when the header gives none
  bool declared = false;
};

class TableReader {
 public:
  TableReader(const SourceText& table, CatalogClient& catalog, std::string agent)
      : table_(table), catalog_(catalog), agent_(std::move(agent)) {}

  std::vector<AnnotationChange> run() {
    std::string_view text = table_.text;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const auto header_line = text.substr(0, text.find('\n'));
    const char separator = header_line.find('\t') != std::string_view::npos ? '\t' : ',';
    rows_ = CellReader(text, separator, problems_).run();
    if (rows_.empty()) {
      add({1, 1, 1}, "the table is empty", "its first line is: image, then the names of the annotations");
      finish();
    }
    read_header();
    check_lengths();
    if (!problems_.empty()) finish();
    for (std::size_t c = 1; c < columns_.size(); ++c) decide_type(c);
    std::vector<AnnotationChange> changes;
    for (std::size_t r = 1; r < rows_.size(); ++r) changes.push_back(read_row(rows_[r]));
    if (!problems_.empty()) finish();
    return changes;
  }

 private:
  struct Place {
    int line, column, length;
  };
  static Place place(const Cell& cell) { return {cell.line, cell.column, cell.length}; }
  void add(Place p, std::string message, std::string hint = "") {
    problems_.push_back({p.line, p.column, p.length, std::move(message), std::move(hint)});
  }
  [[noreturn]] void finish() { throw FileError(table_, std::move(problems_), kNothingDone); }

  void read_header() {
    const Row& header = rows_.front();
    std::map<std::string, AnnotationKey> declared;
    for (const AnnotationKey& k : catalog_.keys()) declared.emplace(k.name, k);
    std::map<std::string, int> seen;
    columns_.resize(header.size());
    if (header[0].text != "image")
      add(place(header[0]), fmt::format("the first column is 'image', not '{}'", header[0].text),
          "it holds the name or id of the image that the row is about; columns are separated by commas or tabs");
    for (std::size_t c = 1; c < header.size(); ++c) {
      read_key(header[c], columns_[c], declared);
      const auto [it, fresh] = seen.emplace(columns_[c].key.name, header[c].column);
      if (!fresh) add(place(header[c]), fmt::format("column '{}' stands here a second time", columns_[c].key.name));
    }
  }

  void read_key(const Cell& cell, KeyColumn& column, const std::map<std::string, AnnotationKey>& declared) {
    std::string name = cell.text;
    if (const auto open = name.find('['); open != std::string::npos && name.ends_with(']')) {
      column.unit = trim(std::string_view(name).substr(open + 1, name.size() - open - 2));
      name = trim(std::string_view(name).substr(0, open));
    }
    column.key = {name, column.unit.empty() ? AnnotationType::text : AnnotationType::number, column.unit};
    if (const auto it = declared.find(name); it != declared.end()) {
      column.key = it->second;
      column.declared = true;
      if (!column.unit.empty() && measure({name, AnnotationType::number, column.unit}) != measure(column.key))
        add(place(cell), fmt::format("annotation '{}' is declared as {}; '{}' is no unit for it", name,
                                     describe(column.key), column.unit));
      return;
    }
    try {
      require_usable(column.key);
    } catch (const UserError& e) {
      add(place(cell), e.what());
    }
  }

  void check_lengths() {
    for (const Row& row : rows_)
      if (row.size() != columns_.size())
        add(place(row.front()), fmt::format("this row has {} cells, the first one {}", row.size(), columns_.size()),
            "cells that hold a comma stand in double quotes");
  }

  /// Types a key that is not declared: what all its cells are.
  void decide_type(std::size_t c) {
    KeyColumn& column = columns_[c];
    if (column.declared || column.key.type == AnnotationType::number) return;
    bool any = false, numbers = true, dates = true, truths = true;
    std::string unit;
    for (std::size_t r = 1; r < rows_.size(); ++r) {
      const std::string& text = rows_[r][c].text;
      if (text.empty()) continue;
      const auto quantity = parse_quantity(text);
      if (!any && quantity) unit = quantity->unit;
      any = true;
      numbers = numbers && quantity;
      dates = dates && text.size() >= 10 && is_date(text);
      truths = truths && (to_lower(text) == "true" || to_lower(text) == "false");
    }
    if (!any) return;
    if (numbers)
      column.key = {column.key.name, AnnotationType::number, unit};
    else if (dates)
      column.key.type = AnnotationType::date;
    else if (truths)
      column.key.type = AnnotationType::boolean;
  }

  AnnotationChange read_row(const Row& row) {
    AnnotationChange change{"", {}, {}, agent_};
    if (row[0].text.empty()) {
      add(place(row[0]), "the row names no image");
    } else {
      try {
        change.entity = catalog_.get(row[0].text).id;
      } catch (const UserError& e) {
        add(place(row[0]), e.what());
      }
    }
    if (const auto [it, fresh] = lines_.emplace(change.entity, row[0].line); !fresh && !change.entity.empty())
      add(place(row[0]), fmt::format("'{}' has a row already, in line {}", row[0].text, it->second));
    for (std::size_t c = 1; c < row.size(); ++c) {
      if (row[c].text.empty()) continue;
      try {
        change.set.push_back(read_value(columns_[c], row[c].text));
      } catch (const UserError& e) {
        add(place(row[c]), e.what());
      }
    }
    return change;
  }

  static Annotation read_value(const KeyColumn& column, const std::string& text) {
    const AnnotationKey& key = column.key;
    if (key.type == AnnotationType::text || key.type == AnnotationType::date) return fit(key, {key, text});
    if (key.type == AnnotationType::boolean) {
      const std::string lower = to_lower(text);
      if (lower != "true" && lower != "false")
        throw UserError(fmt::format("annotation '{}' is true or false, not '{}'", key.name, text));
      return {key, lower == "true"};
    }
    auto quantity = parse_quantity(text);
    if (!quantity) throw UserError(fmt::format("annotation '{}' is a {}, not '{}'", key.name, describe(key), text));
    if (quantity->unit.empty()) quantity->unit = column.unit;
    if (quantity->unit.empty() && !key.unit.empty())
      throw UserError(fmt::format("{} has no unit; write '{} {}', or '{} [{}]' as the column's name", text, text,
                                  key.unit, key.name, key.unit));
    return fit(key, {{key.name, AnnotationType::number, quantity->unit}, quantity->number});
  }

  const SourceText& table_;
  CatalogClient& catalog_;
  std::string agent_;
  std::vector<Problem> problems_;
  std::vector<Row> rows_;
  std::vector<KeyColumn> columns_;
  std::map<std::string, int> lines_;
};
}  // namespace

std::vector<AnnotationChange> read_annotation_table(const SourceText& table, CatalogClient& catalog,
                                                    const std::string& agent) {
  return TableReader(table, catalog, agent).run();
}

}  // namespace voxflow::catalog
