// A YAML text as a tree that keeps every key, also doubled ones, and where each stands. No YAML library shows.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/core/diagnostics.hpp"

namespace voxflow::yaml {

/// What a file is, for messages: "a workflow", which begins with "voxflow: 1"; mistakes in it mean that "nothing was
/// submitted".
struct FileKind {
  std::string_view noun, first_line, consequence;
};

struct YamlEntry;

struct YamlNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string text;     // of a scalar
  bool quoted = false;  // a scalar in quotes is text, whatever it looks like
  Mark mark;
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;
  /// Value of the first entry of that key; nullptr when there is none.
  const YamlNode* find(std::string_view key) const;
};

struct YamlEntry {
  YamlNode key, value;
};

/// Throws FileError where `source` is not one YAML document.
YamlNode read_yaml(const SourceText& source, const FileKind& kind);

/// Where byte `offset` of the scalar at `mark` stands in the file: plain, quoted, literal and folded scalars alike.
/// YAML changes only white space (and escapes in quotes), so the other characters are counted off against each other.
Mark place_in_scalar(const SourceText& source, const Mark& mark, std::string_view value, std::size_t offset,
                     std::size_t length);

}  // namespace voxflow::yaml
