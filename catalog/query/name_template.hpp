// Names of files made from fields of the query language: "{project}/{species|unknown}/{name}_{step}".
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace voxflow::catalog::query {

/// A relative path with fields in braces; what stands behind '|' is taken where a field has no value.
class NameTemplate {
 public:
  /// Throws UserError when a brace is open, a field's name is none, or the path is absolute or leads upwards.
  explicit NameTemplate(std::string text);

  const std::string& text() const { return text_; }
  /// Every field used, each once.
  std::vector<std::string> fields() const;
  bool uses(std::string_view field) const;

  /// The name. `value` is asked for each field; values are made safe by file_name_part. Throws UserError naming the
  /// field when it has neither value nor replacement, or when a part of the path is empty, hidden, or too long.
  std::string fill(const std::function<std::optional<std::string>(const std::string& field)>& value) const;

 private:
  struct Part {
    std::string text;  // as it stands, or the field's name
    bool field = false;
    std::optional<std::string> otherwise;
  };
  Part parse_field(std::string_view inside) const;
  [[noreturn]] void fail(const std::string& what) const;

  std::string text_;
  std::vector<Part> parts_;
};

/// `value` as a part of a file's name that every system and shell takes: "18 h" is "18h", blanks of texts are '_',
/// characters that paths or Windows keep for themselves are '-'.
std::string file_name_part(std::string_view value);

}  // namespace voxflow::catalog::query
