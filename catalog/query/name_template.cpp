#include "catalog/query/name_template.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catalog/query/query.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::catalog::query {

namespace {
// Of 255 bytes that file systems take: room for endings, and for the names of files that are being written.
constexpr std::size_t kMostBytes = 200;
constexpr std::string_view kKept = "/\\:*?\"<>|";  // by paths and by Windows
}  // namespace

NameTemplate::NameTemplate(std::string text) : text_(std::move(text)) {
  if (trim(text_).empty()) fail("is empty");
  if (text_.starts_with('/')) fail("begins with '/'; names are relative to the folder that --into gives");
  for (std::size_t at = 0; at < text_.size();) {
    const std::size_t open = std::min(text_.find_first_of("{}", at), text_.size());
    if (open > at) parts_.push_back({text_.substr(at, open - at), false, std::nullopt});
    if (open == text_.size()) break;
    const std::size_t close = text_.find_first_of("{}", open + 1);
    if (text_[open] == '}' || close == std::string::npos || text_[close] == '{')
      fail("has a brace without its other; write fields as {name}");
    parts_.push_back(parse_field(std::string_view(text_).substr(open + 1, close - open - 1)));
    at = close + 1;
  }
}

NameTemplate::Part NameTemplate::parse_field(std::string_view inside) const {
  const std::size_t bar = inside.find('|');
  Part part{std::string(trim(inside.substr(0, bar))), true, std::nullopt};
  if (bar != std::string_view::npos) part.otherwise = std::string(trim(inside.substr(bar + 1)));
  if (!is_field_name(part.text)) fail(fmt::format("has '{}' in braces, which is no field; write {{name}}", part.text));
  return part;
}

void NameTemplate::fail(const std::string& what) const {
  throw UserError(fmt::format("the name template '{}' {}", text_, what));
}

std::vector<std::string> NameTemplate::fields() const {
  std::vector<std::string> names;
  for (const Part& part : parts_)
    if (part.field && std::ranges::find(names, part.text) == names.end()) names.push_back(part.text);
  return names;
}

bool NameTemplate::uses(std::string_view field) const {
  return std::ranges::any_of(parts_, [&](const Part& part) { return part.field && part.text == field; });
}

std::string NameTemplate::fill(const std::function<std::optional<std::string>(const std::string& field)>& value) const {
  std::string name;
  for (const Part& part : parts_) {
    if (!part.field) {
      name += part.text;
    } else if (const auto text = value(part.text)) {
      name += file_name_part(*text);
    } else if (part.otherwise) {
      name += file_name_part(*part.otherwise);
    } else {
      throw UserError(fmt::format(
          "has no '{0}'; write {{{0}|none}} to name it all the same, or leave it out by the query", part.text));
    }
  }
  for (const std::string& step : split(name, '/')) {
    if (step.empty()) throw UserError(fmt::format("its name '{}' has an empty part", name));
    if (step.starts_with('.'))
      throw UserError(fmt::format("its name '{}' has a part that begins with '.', which hides it or leads out", name));
    if (step.size() > kMostBytes)
      throw UserError(
          fmt::format("its name '{}' has a part of {} bytes; allowed are {}", name, step.size(), kMostBytes));
  }
  return name;
}

std::string file_name_part(std::string_view value) {
  const auto quantity = parse_quantity(value);
  std::string name;
  for (const char ch : trim(value)) {
    const auto byte = static_cast<unsigned char>(ch);
    if (ch == ' ') {
      if (!quantity) name += '_';
    } else {
      const bool kept = byte < 0x20 || byte == 0x7f || kKept.find(ch) != std::string_view::npos;
      name += kept ? '-' : ch;
    }
  }
  // A dot in front hides a file, and Windows drops one at the end.
  if (name.starts_with('.')) name.front() = '_';
  if (name.ends_with('.')) name.back() = '_';
  return name;
}

}  // namespace voxflow::catalog::query
