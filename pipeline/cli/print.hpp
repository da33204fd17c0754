// How results are printed: aligned tables for people, one JSON value for machines.
#pragma once
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "catalog/model/field_text.hpp"

namespace voxflow::cli {

/// Rows of cells in columns as wide as their widest cell; printed to stdout.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::size_t rows() const { return rows_.size() - 1; }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

void print(const std::string& text);
void print_json(const nlohmann::json& value);

/// "1 x 2 x 32 x 160 x 160" (t c z y x).
std::string shape_text(const record::ImageInfo& info);
/// "0.5 x 0.2 x 0.2 um" (z y x).
std::string spacing_text(const Grid& grid);
using catalog::value_text;
nlohmann::json entity_json(const catalog::Entity& entity);

}  // namespace voxflow::cli
