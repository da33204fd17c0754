// Reads values out of the YAML tree and collects what is wrong with them.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/yaml/document.hpp"

namespace voxflow::yaml {

/// A key of later versions of the language, and what to do until then.
struct LaterKey {
  std::string name, instead;
};

class Reader {
 public:
  Reader(const SourceText& source, const FileKind& kind) : source_(source), kind_(kind) {}

  void problem(const Mark& at, std::string message, std::string hint = "");
  bool sound() const { return problems_.empty(); }
  /// Throws FileError when there was any problem.
  void finish() const;

  /// `what` is the subject of the messages: "step 'denoise'", "radius of step 'denoise'".
  bool is_map(const YamlNode& node, const std::string& what);
  /// Says which keys are doubled, unknown, or of a later version; `allowed` empty: names of the user's own choice.
  void check_keys(const YamlNode& map, const std::string& what, std::span<const std::string> allowed,
                  std::span<const LaterKey> later = {});
  std::optional<std::string> text(const YamlNode& node, const std::string& what);
  std::optional<bool> boolean(const YamlNode& node, const std::string& what);
  std::optional<std::int64_t> whole_number(const YamlNode& node, const std::string& what, std::int64_t low,
                                           std::int64_t high);
  /// A number in `unit` ("": a plain one).
  std::optional<double> quantity(const YamlNode& node, const std::string& what, std::string_view unit);
  std::optional<std::string> choice(const YamlNode& node, const std::string& what,
                                    std::span<const std::string> allowed);
  /// The items of a list; empty, after saying so, when it is none.
  std::span<const YamlNode> list(const YamlNode& node, const std::string& what, const std::string& example);
  /// A name: letters, digits, '_' and '-', beginning with a letter.
  bool is_name(const YamlNode& node, const std::string& what);

  /// "a list", "'forty'", for messages about what was found.
  static std::string shown(const YamlNode& node);
  const SourceText& source() const { return source_; }

 private:
  const SourceText& source_;
  FileKind kind_;
  std::vector<Problem> problems_;
};

}  // namespace voxflow::yaml
