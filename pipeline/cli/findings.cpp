#include "pipeline/cli/findings.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "pipeline/core/files.hpp"
#include "pipeline/sdk/findings.hpp"

namespace voxflow::cli {

namespace {
std::string text_of(const Column& column, std::size_t row) {
  if (const auto* numbers = std::get_if<std::vector<double>>(&column.values))
    return fmt::format("{:.5g}", (*numbers)[row]);
  return std::visit([&](const auto& values) { return fmt::format("{}", values[row]); }, column.values);
}

}  // namespace

std::optional<Table> findings_of(Session& session, const catalog::Entity& entity) {
  const auto file = session.archive().root() / entity.artifact / (std::string(kFindings) + ".tsv");
  if (!std::filesystem::exists(file)) return std::nullopt;
  return Table::from_tsv(read_file(file));
}

std::vector<std::string> findings_lines(const Table& findings) {
  std::vector<std::string> lines;
  for (std::size_t row = 0; row < findings.rows(); ++row) {
    std::string line;
    for (const Column& column : findings.columns())
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", column.name, text_of(column, row));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace voxflow::cli
