#include "pipeline/core/diagnostics.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"

namespace voxflow {

std::string render(const SourceText& source, std::span<const Problem> problems, std::string_view consequence) {
  std::vector<Problem> sorted(problems.begin(), problems.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  const auto lines = split(source.text, '\n');
  std::string out;
  for (const Problem& p : sorted) {
    if (p.line <= 0) {
      out += fmt::format("{}: error: {}\n", source.name, p.message);
    } else {
      out += fmt::format("{}:{}:{}: error: {}\n", source.name, p.line, p.column, p.message);
      if (static_cast<std::size_t>(p.line) <= lines.size()) {
        const std::string& line = lines[static_cast<std::size_t>(p.line) - 1];
        out += fmt::format("{:>5} | {}\n", p.line, line);
        const int room = std::max(1, static_cast<int>(line.size()) - p.column + 1);
        const int marks = std::clamp(p.length, 1, room);
        out += fmt::format("      | {}^{}\n", std::string(static_cast<std::size_t>(std::max(0, p.column - 1)), ' '),
                           std::string(static_cast<std::size_t>(marks - 1), '~'));
      }
    }
    if (!p.hint.empty()) out += fmt::format("  hint: {}\n", p.hint);
  }
  out += fmt::format("{} error{}; {}", sorted.size(), sorted.size() == 1 ? "" : "s", consequence);
  return out;
}

FileError::FileError(const SourceText& source, std::vector<Problem> problems, std::string_view consequence)
    : UserError(render(source, problems, consequence)), problems_(std::move(problems)) {}

}  // namespace voxflow
