#include "pipeline/acquisition/file_pattern.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace voxflow::acquisition {

namespace {
bool is_digit(char ch) {
  return ch >= '0' && ch <= '9';
}
bool is_letter_or_digit(char ch) {
  return std::isalnum(static_cast<unsigned char>(ch)) != 0;
}
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

bool is_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const auto point = text.find('.');
  if (point == std::string_view::npos) return all_digits(text);
  return all_digits(text.substr(0, point)) && all_digits(text.substr(point + 1));
}

bool is_day(std::string_view text) {
  if (text.size() == 8) return all_digits(text);
  return text.size() == 10 && text[4] == '-' && text[7] == '-' && all_digits(text.substr(0, 4)) &&
         all_digits(text.substr(5, 2)) && all_digits(text.substr(8));
}

bool fits(FieldKind kind, std::string_view text) {
  switch (kind) {
    case FieldKind::word:
      return std::all_of(text.begin(), text.end(), is_letter_or_digit);
    case FieldKind::digits:
      return all_digits(text);
    case FieldKind::number:
      return is_number(text);
    case FieldKind::date:
      return is_day(text);
    default:
      return true;
  }
}

/// A part that stands next to a character of its own kind would be cut short: "T1" of "T12".
bool ends_well(FieldKind kind, std::string_view path, std::size_t end) {
  const bool digits = kind == FieldKind::digits || kind == FieldKind::number || kind == FieldKind::date;
  return !digits || end == path.size() || !is_digit(path[end]);
}

std::string_view last_parts(std::string_view path, std::size_t slashes) {
  std::size_t at = path.size();
  for (std::size_t i = 0; i <= slashes; ++i) {
    if (at == 0) return path;
    at = path.rfind('/', at - 1);
    if (at == std::string_view::npos) return path;
  }
  return path.substr(at + 1);
}
}  // namespace

void FilePattern::add_field(std::size_t at, std::size_t length,
                            const std::function<FieldKind(const std::string&)>& kind_of) {
  const std::string name = text_.substr(at + 1, length - 2);
  if (name.empty() ||
      !std::all_of(name.begin(), name.end(), [](char ch) { return is_letter_or_digit(ch) || ch == '_'; }))
    throw PatternError(at, length,
                       fmt::format("'{}' cannot name a part of a file's name; letters, digits and '_' can", name));
  if (std::find(fields_.begin(), fields_.end(), name) != fields_.end())
    throw PatternError(at, length, fmt::format("'{{{}}}' stands twice in the pattern", name));
  if (!tokens_.empty() && tokens_.back().type != Token::Type::literal)
    throw PatternError(
        at, length, fmt::format("nothing parts '{{{}}}' from what stands before it; write a character between", name));
  fields_.push_back(name);
  tokens_.push_back({Token::Type::field, name, kind_of(name)});
}

FilePattern::FilePattern(std::string text, const std::function<FieldKind(const std::string&)>& kind_of)
    : text_(std::move(text)) {
  for (std::size_t i = 0; i < text_.size(); ++i) {
    const char ch = text_[i];
    if (ch == '{') {
      const auto end = text_.find('}', i);
      if (end == std::string::npos) throw PatternError(i, 1, "'{' has no '}' behind it");
      add_field(i, end + 1 - i, kind_of);
      i = end;
    } else if (ch == '}') {
      throw PatternError(i, 1, "'}' has no '{' before it");
    } else if (ch == '*') {
      tokens_.push_back({Token::Type::any, "", FieldKind::text});
    } else if (ch == '?') {
      tokens_.push_back({Token::Type::one, "", FieldKind::text});
    } else {
      if (tokens_.empty() || tokens_.back().type != Token::Type::literal)
        tokens_.push_back({Token::Type::literal, "", FieldKind::text});
      tokens_.back().text += ch;
      slashes_ += ch == '/' ? 1 : 0;
    }
  }
  if (tokens_.empty()) throw PatternError(0, 1, "the pattern is empty; write such as '{name}.tif'");
}

std::optional<Fields> FilePattern::match(std::string_view path) const {
  const std::string_view text = last_parts(path, slashes_);
  // Places that were tried in vain, so that the time grows with the square of the path's length and not beyond.
  std::vector<char> failed((tokens_.size() + 1) * (text.size() + 1), 0);
  Fields fields;
  const std::function<bool(std::size_t, std::size_t)> from = [&](std::size_t token, std::size_t at) {
    if (token == tokens_.size()) return at == text.size();
    char& in_vain = failed[token * (text.size() + 1) + at];
    if (in_vain != 0) return false;
    const Token& t = tokens_[token];
    if (t.type == Token::Type::literal) {
      if (text.substr(at).starts_with(t.text) && from(token + 1, at + t.text.size())) return true;
    } else {
      const std::size_t least = t.type == Token::Type::any ? 0 : 1;
      const std::size_t most = t.type == Token::Type::one ? 1 : text.size() - at;
      for (std::size_t n = least; n <= most; ++n) {
        if (n > 0 && text[at + n - 1] == '/') break;
        if (at + n > text.size()) break;
        const std::string_view part = text.substr(at, n);
        if (t.type == Token::Type::field && (!fits(t.kind, part) || !ends_well(t.kind, text, at + n))) continue;
        if (!from(token + 1, at + n)) continue;
        if (t.type == Token::Type::field) fields[t.text] = part;
        return true;
      }
    }
    in_vain = 1;
    return false;
  };
  if (!from(0, 0)) return std::nullopt;
  return fields;
}

}  // namespace voxflow::acquisition
