#include "pipeline/yaml/reader.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::yaml {

void Reader::problem(const Mark& at, std::string message, std::string hint) {
  problems_.push_back({at.line, at.column, at.length, std::move(message), std::move(hint)});
}

void Reader::finish() const {
  if (!problems_.empty()) throw FileError(source_, problems_, kind_.consequence);
}

std::string Reader::shown(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "nothing";
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      return "a map";
    default:
      return fmt::format("'{}'", trim(node.text));
  }
}

bool Reader::is_map(const YamlNode& node, const std::string& what) {
  if (node.kind == YamlNode::Kind::map) return true;
  problem(node.mark, fmt::format("{} is {}; a map ('key: value') is wanted", what, shown(node)));
  return false;
}

void Reader::check_keys(const YamlNode& map, const std::string& what, std::span<const std::string> allowed,
                        std::span<const LaterKey> later) {
  std::map<std::string, int> first_line;
  for (const auto& [key, value] : map.entries) {
    if (key.kind != YamlNode::Kind::scalar) {
      problem(key.mark, fmt::format("a key of {} is {}; a name is wanted", what, shown(key)));
      continue;
    }
    const auto [seen, is_new] = first_line.emplace(key.text, key.mark.line);
    if (!is_new)
      problem(key.mark,
              fmt::format("{} has the key '{}' twice; the first is in line {}", what, key.text, seen->second));
    const auto refused =
        std::find_if(later.begin(), later.end(), [&, &name = key.text](const LaterKey& k) { return k.name == name; });
    if (refused != later.end())
      problem(key.mark, fmt::format("'{}' is not in this version of voxflow; {}", key.text, refused->instead));
    else if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), key.text) == allowed.end())
      problem(key.mark, fmt::format("{} has no key '{}'{}", what, key.text, did_you_mean(key.text, allowed)),
              fmt::format("allowed here: {}", join(allowed, ", ")));
  }
}

std::optional<std::string> Reader::text(const YamlNode& node, const std::string& what) {
  if (node.kind == YamlNode::Kind::scalar && !trim(node.text).empty()) return std::string(trim(node.text));
  problem(node.mark,
          fmt::format("{} is {}; text is wanted", what, node.kind == YamlNode::Kind::scalar ? "empty" : shown(node)));
  return std::nullopt;
}

std::optional<bool> Reader::boolean(const YamlNode& node, const std::string& what) {
  if (node.kind == YamlNode::Kind::scalar && !node.quoted && (node.text == "true" || node.text == "false"))
    return node.text == "true";
  problem(node.mark, fmt::format("{} is {}, allowed true or false", what, shown(node)));
  return std::nullopt;
}

std::optional<std::int64_t> Reader::whole_number(const YamlNode& node, const std::string& what, std::int64_t low,
                                                 std::int64_t high) {
  const std::string_view digits = trim(node.text);
  std::int64_t v = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
  const bool is_number =
      node.kind == YamlNode::Kind::scalar && ec == std::errc{} && end == digits.data() + digits.size();
  if (is_number && v >= low && v <= high) return v;
  problem(node.mark, is_number
                         ? fmt::format("{} is {}, allowed {} to {}", what, v, low, high)
                         : fmt::format("{} is {}; a whole number is wanted, {} to {}", what, shown(node), low, high));
  return std::nullopt;
}

std::optional<double> Reader::quantity(const YamlNode& node, const std::string& what, std::string_view unit) {
  const std::string_view usual = unit == "B" ? "2 GB" : unit == "s" ? "20 min" : "";
  const std::string example = unit.empty()    ? "a number"
                              : usual.empty() ? fmt::format("a number with a unit, such as '1 {}'", unit)
                                              : fmt::format("a number with a unit, such as '{}'", usual);
  const auto q = node.kind == YamlNode::Kind::scalar ? parse_quantity(node.text) : std::nullopt;
  if (!q) {
    problem(node.mark, fmt::format("{} is {}; {} is wanted", what, shown(node), example));
    return std::nullopt;
  }
  try {
    return convert(*q, unit);
  } catch (const UserError& e) {
    problem(node.mark, fmt::format("{}: {}", what, e.what()));
    return std::nullopt;
  }
}

std::optional<std::string> Reader::choice(const YamlNode& node, const std::string& what,
                                          std::span<const std::string> allowed) {
  if (node.kind == YamlNode::Kind::scalar && std::find(allowed.begin(), allowed.end(), node.text) != allowed.end())
    return node.text;
  problem(node.mark, fmt::format("{} is {}, allowed {}{}", what, shown(node), join(allowed, ", "),
                                 did_you_mean(node.text, allowed)));
  return std::nullopt;
}

std::span<const YamlNode> Reader::list(const YamlNode& node, const std::string& what, const std::string& example) {
  if (node.kind == YamlNode::Kind::list && !node.items.empty()) return node.items;
  problem(node.mark, fmt::format("{} is {}; a list is wanted, such as {}", what,
                                 node.kind == YamlNode::Kind::list ? "empty" : shown(node), example));
  return {};
}

bool Reader::is_name(const YamlNode& node, const std::string& what) {
  const auto fits = [](char ch) { return std::isalnum(static_cast<unsigned char>(ch)) != 0 || ch == '_' || ch == '-'; };
  if (node.kind == YamlNode::Kind::scalar && !node.text.empty() &&
      std::isalpha(static_cast<unsigned char>(node.text.front())) != 0 &&
      std::all_of(node.text.begin(), node.text.end(), fits))
    return true;
  problem(node.mark, fmt::format("{} is {}; letters, digits, '_' and '-' are allowed, and a letter comes first", what,
                                 shown(node)));
  return false;
}

}  // namespace voxflow::yaml
