// Tables of measurements: typed columns with units, and the canonical text that is hashed and written.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pipeline/core/hash.hpp"

namespace voxflow {

/// A named column; `unit` is "" for counts and names ("um3" for a volume).
struct Column {
  std::string name;
  std::string unit;
  std::variant<std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>> values;
  std::size_t size() const;
};

/// Columns of equal length, in the order in which they were added.
class Table {
 public:
  /// Throws InternalError when the length differs from the other columns' or the name is taken.
  void add(Column column);
  const std::vector<Column>& columns() const { return columns_; }
  /// Throws UserError with the nearest name when there is no such column.
  const Column& column(std::string_view name) const;
  std::size_t rows() const;
  /// Appends the rows of `other`, whose columns must have the same names and types. Throws InternalError otherwise.
  void append(const Table& other);
  /// Tab-separated text with one header line; numbers in shortest round-trip form; the canonical bytes that are hashed.
  std::string to_tsv() const;
  /// Reads what to_tsv wrote: a column is of whole numbers, numbers or text, whichever fits all of its values first;
  /// units are not in the text. Throws UserError when a row is shorter or longer than the header.
  static Table from_tsv(std::string_view text);
  /// SHA-256 over column names, units and types and the canonical text.
  Digest content_digest() const;

 private:
  std::vector<Column> columns_;
};

}  // namespace voxflow
