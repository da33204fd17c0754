#include "pipeline/core/diagnostics.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"

namespace voxflow {

namespace {
/// The source line with a caret under the problem; "" where the place is not known. Tabs stay, so that both lines
/// agree.
std::string excerpt(const std::vector<std::string>& lines, const Problem& p) {
  if (p.column <= 0 || static_cast<std::size_t>(p.line) > lines.size()) return "";
  std::string line = lines[static_cast<std::size_t>(p.line) - 1];
  if (line.ends_with('\r')) line.pop_back();
  const auto before = std::min(static_cast<std::size_t>(p.column) - 1, line.size());
  const auto length = std::clamp<std::size_t>(p.length > 0 ? static_cast<std::size_t>(p.length) : 1, 1,
                                              std::max<std::size_t>(1, line.size() - before));
  std::string indent = line.substr(0, before);
  for (char& ch : indent)
    if (ch != '\t') ch = ' ';
  return fmt::format("{:>5} | {}\n      | {}^{}\n", p.line, line, indent, std::string(length - 1, '~'));
}

std::string place(const SourceText& source, const Problem& p) {
  if (p.line <= 0) return source.name;
  return p.column <= 0 ? fmt::format("{}:{}", source.name, p.line)
                       : fmt::format("{}:{}:{}", source.name, p.line, p.column);
}
}  // namespace

std::string render(const SourceText& source, std::span<const Problem> problems, std::string_view consequence) {
  std::vector<Problem> sorted(problems.begin(), problems.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  const auto lines = split(source.text, '\n');
  std::string out;
  for (const Problem& p : sorted) {
    out += fmt::format("{}: error: {}\n", place(source, p), p.message);
    if (p.line > 0) out += excerpt(lines, p);
    if (!p.hint.empty()) out += fmt::format("  hint: {}\n", p.hint);
  }
  out += fmt::format("{} error{}; {}", sorted.size(), sorted.size() == 1 ? "" : "s", consequence);
  return out;
}

FileError::FileError(const SourceText& source, std::vector<Problem> problems, std::string_view consequence)
    : UserError(render(source, problems, consequence)), problems_(std::move(problems)) {}

}  // namespace voxflow
