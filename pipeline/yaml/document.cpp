#include "pipeline/yaml/document.hpp"

#include <cctype>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace voxflow::yaml {

namespace {
/// An alias repeats its anchor's nodes; a file of a few lines could otherwise fill the memory.
constexpr std::size_t kMostNodes = 100'000;
constexpr std::size_t kMostLevels = 100;

bool is_space(char ch) {
  return std::isspace(static_cast<unsigned char>(ch)) != 0;
}

std::size_t offset_of(std::string_view text, int line, int column) {
  std::size_t at = 0;
  for (int i = 1; i < line && at != std::string_view::npos; ++i) {
    at = text.find('\n', at);
    if (at != std::string_view::npos) ++at;
  }
  return at == std::string_view::npos ? text.size() : std::min(text.size(), at + static_cast<std::size_t>(column) - 1);
}

Mark mark_at(std::string_view text, std::size_t offset) {
  Mark m{1, 1, 1};
  for (const char ch : text.substr(0, offset)) {
    ++m.column;
    if (ch == '\n') ++m.line, m.column = 1;
  }
  return m;
}

class Builder {
 public:
  Builder(const SourceText& source, const FileKind& kind) : source_(source), kind_(kind) {}

  YamlNode build(const YAML::Node& from, std::size_t depth = 1) {
    if (++nodes_ > kMostNodes)
      throw FileError(source_, {{1, 1, 1, fmt::format("the file has more than {} nodes", kMostNodes), ""}},
                      kind_.consequence);
    if (depth > kMostLevels)
      throw FileError(
          source_,
          {{from.Mark().line + 1, from.Mark().column + 1, 1,
            fmt::format("the file nests deeper than {} levels; an alias may contain itself", kMostLevels), ""}},
          kind_.consequence);
    YamlNode node;
    if (!from.Mark().is_null()) node.mark = {from.Mark().line + 1, from.Mark().column + 1, 1};
    switch (from.Type()) {
      case YAML::NodeType::Scalar:
        scalar(from, node);
        break;
      case YAML::NodeType::Sequence:
        node.kind = YamlNode::Kind::list;
        for (const auto& item : from) node.items.push_back(build(item, depth + 1));
        break;
      case YAML::NodeType::Map:
        node.kind = YamlNode::Kind::map;
        for (const auto& entry : from)
          node.entries.push_back({build(entry.first, depth + 1), build(entry.second, depth + 1)});
        break;
      default:
        break;
    }
    return node;
  }

 private:
  void scalar(const YAML::Node& from, YamlNode& node) const {
    node.kind = YamlNode::Kind::scalar;
    node.text = from.Scalar();
    node.quoted = from.Tag() == "!";
    const std::size_t at = offset_of(source_.text, node.mark.line, node.mark.column);
    const char first = at < source_.text.size() ? source_.text[at] : '\0';
    if (first == '|' || first == '>') return;
    node.mark.length = static_cast<int>(node.text.size()) + (first == '"' || first == '\'' ? 2 : 0);
  }

  const SourceText& source_;
  const FileKind& kind_;
  std::size_t nodes_ = 0;
};

/// First byte of a scalar's content: behind the quote, or on the line below a block scalar's header.
std::size_t content_start(std::string_view text, std::size_t at) {
  if (at >= text.size()) return at;
  if (text[at] == '"' || text[at] == '\'') return at + 1;
  if (text[at] == '|' || text[at] == '>') return std::min(text.size(), text.find('\n', at));
  return at;
}
}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const YamlEntry& e : entries)
    if (e.key.text == key) return &e.value;
  return nullptr;
}

YamlNode read_yaml(const SourceText& source, const FileKind& kind) {
  const auto fail = [&](int line, int column, const std::string& message) {
    throw FileError(source, {{line, column, 1, message, ""}}, kind.consequence);
  };
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(source.text);
    if (documents.empty() || documents.front().IsNull())
      fail(1, 1, fmt::format("the file is empty; {} begins with '{}'", kind.noun, kind.first_line));
    if (documents.size() > 1) {
      const YAML::Mark at = documents[1].Mark();
      fail(at.line + 1, at.column + 1,
           fmt::format("a second document ('---') begins here; {} is one document", kind.noun));
    }
    return Builder(source, kind).build(documents.front());
  } catch (const YAML::Exception& e) {
    fail(e.mark.line + 1, e.mark.column + 1, "this is not YAML: " + e.msg);
  }
  throw InternalError("read_yaml");
}

Mark place_in_scalar(const SourceText& source, const Mark& mark, std::string_view value, std::size_t offset,
                     std::size_t length) {
  const std::string_view text = source.text;
  const std::size_t start = offset_of(text, mark.line, mark.column);
  const char quote = start < text.size() ? text[start] : '\0';
  const bool escapes = quote == '"' || quote == '\'';
  std::size_t at = content_start(text, start), behind = at;
  const std::size_t until = std::min(offset, value.size());
  std::size_t i = 0;
  for (; i < value.size(); ++i) {
    if (is_space(value[i])) {
      if (i >= until) break;
      continue;
    }
    while (at < text.size() && (is_space(text[at]) || (escapes && text[at] != value[i]))) ++at;
    if (i >= until) break;
    behind = ++at;
    if (quote == '\'' && value[i] == '\'') behind = ++at;
  }
  const bool on_text = i < value.size() && !is_space(value[i]);
  Mark m = mark_at(text, std::min(text.size(), on_text ? at : behind));
  m.length = static_cast<int>(std::max<std::size_t>(1, length));
  return m;
}

}  // namespace voxflow::yaml
