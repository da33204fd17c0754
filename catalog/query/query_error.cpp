#include <algorithm>

#include <fmt/format.h>

#include "catalog/query/query.hpp"

namespace voxflow::catalog::query {

namespace {
/// Number of characters (not bytes) of UTF-8 text.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char ch) { return (static_cast<unsigned char>(ch) & 0xC0) != 0x80; }));
}

std::string show(const std::string& text, std::size_t offset, std::size_t length, const std::string& message,
                 const std::string& hint) {
  offset = std::min(offset, text.size());
  const std::size_t before = offset == 0 ? std::string::npos : text.rfind('\n', offset - 1);
  const std::size_t start = before == std::string::npos ? 0 : before + 1;
  const std::size_t end = std::min(text.find('\n', offset), text.size());
  const auto line = std::string_view(text).substr(start, end - start);
  const std::size_t marks = std::max<std::size_t>(1, width(line.substr(offset - start, length)));
  std::string out = fmt::format("query: {}\n    {}\n    {}^{}", message, line,
                                std::string(width(line.substr(0, offset - start)), ' '), std::string(marks - 1, '~'));
  if (!hint.empty()) out += fmt::format("\n  hint: {}", hint);
  return out;
}
}  // namespace

QueryError::QueryError(const std::string& text, std::size_t offset, std::size_t length, const std::string& message,
                       const std::string& hint)
    : UserError(show(text, offset, length, message, hint)),
      offset_(offset),
      length_(std::max<std::size_t>(1, length)),
      plain_(message),
      hint_(hint) {}

}  // namespace voxflow::catalog::query
