#include "pipeline/core/table.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow {

std::size_t Column::size() const {
  return std::visit([](const auto& v) { return v.size(); }, values);
}

void Table::add(Column column) {
  if (!columns_.empty() && column.size() != rows())
    throw InternalError(fmt::format("column '{}' has {} rows, the table {}", column.name, column.size(), rows()));
  for (const Column& other : columns_)
    if (other.name == column.name) throw InternalError(fmt::format("the table has two columns '{}'", column.name));
  columns_.push_back(std::move(column));
}

const Column& Table::column(std::string_view name) const {
  std::vector<std::string> names;
  for (const Column& col : columns_) {
    if (col.name == name) return col;
    names.push_back(col.name);
  }
  throw UserError(fmt::format("the table has no column '{}'{}", name, did_you_mean(name, names)));
}

namespace {
template <class T>
std::optional<std::vector<T>> numbers_from(const std::vector<std::string>& texts) {
  std::vector<T> numbers;
  for (const std::string& text : texts) {
    T v{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, v);
    if (error != std::errc{} || stop != end) return std::nullopt;
    numbers.push_back(v);
  }
  return numbers;
}
}  // namespace

Table Table::from_tsv(std::string_view text) {
  std::vector<std::string> lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.empty()) throw UserError("the table is empty: a header line is wanted");
  const std::vector<std::string> names = split(lines.front(), '\t');
  std::vector<std::vector<std::string>> texts(names.size());
  for (std::size_t row = 1; row < lines.size(); ++row) {
    std::vector<std::string> fields = split(lines[row], '\t');
    if (fields.size() != names.size())
      throw UserError(
          fmt::format("line {} of the table has {} fields, its header {}", row + 1, fields.size(), names.size()));
    for (std::size_t i = 0; i < fields.size(); ++i) texts[i].push_back(std::move(fields[i]));
  }
  Table table;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (auto whole = numbers_from<std::int64_t>(texts[i]))
      table.add({names[i], "", std::move(*whole)});
    else if (auto numbers = numbers_from<double>(texts[i]))
      table.add({names[i], "", std::move(*numbers)});
    else
      table.add({names[i], "", std::move(texts[i])});
  }
  return table;
}

std::size_t Table::rows() const {
  return columns_.empty() ? 0 : columns_.front().size();
}

void Table::append(const Table& other) {
  if (columns_.empty()) {
    columns_ = other.columns_;
    return;
  }
  if (columns_.size() != other.columns_.size()) throw InternalError("tables of different columns cannot be joined");
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name != other.columns_[i].name || columns_[i].values.index() != other.columns_[i].values.index())
      throw InternalError(fmt::format("tables of different columns '{}' cannot be joined", columns_[i].name));
    std::visit(
        [&](auto& to) {
          const auto& from = std::get<std::decay_t<decltype(to)>>(other.columns_[i].values);
          to.insert(to.end(), from.begin(), from.end());
        },
        columns_[i].values);
  }
}

std::string Table::to_tsv() const {
  std::string out;
  for (std::size_t i = 0; i < columns_.size(); ++i) out += (i > 0 ? "\t" : "") + columns_[i].name;
  out += '\n';
  for (std::size_t row = 0; row < rows(); ++row) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out += '\t';
      std::visit(
          [&](const auto& v) {
            using T = typename std::decay_t<decltype(v)>::value_type;
            if constexpr (std::is_same_v<T, std::string>) {
              for (const char ch : v[row]) out += ch == '\t' || ch == '\n' ? ' ' : ch;
            } else if constexpr (std::is_same_v<T, double>) {
              out += format_number(v[row]);
            } else {
              out += std::to_string(v[row]);
            }
          },
          columns_[i].values);
    }
    out += '\n';
  }
  return out;
}

Digest Table::content_digest() const {
  Sha256 sha;
  sha.update("voxflow-table-1\n");
  for (const Column& col : columns_) sha.update(fmt::format("{}\t{}\t{}\n", col.name, col.unit, col.values.index()));
  return sha.update(to_tsv()).finish();
}

}  // namespace voxflow
