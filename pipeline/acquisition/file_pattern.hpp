// Patterns of file names whose parts have names: "{species}_{hours}h--C{channel}--T{timepoint}.tif".
#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/core/error.hpp"

namespace voxflow::acquisition {

/// What a named part may be: any text without '/'; letters and digits; digits; a number; a day as 20261125 or
/// 2026-11-25.
enum class FieldKind { text, word, digits, number, date };

/// What is wrong with a pattern, and where in its text.
class PatternError : public UserError {
 public:
  PatternError(std::size_t offset, std::size_t length, const std::string& message)
      : UserError(message), offset_(offset), length_(length) {}
  std::size_t offset() const { return offset_; }
  std::size_t length() const { return length_; }

 private:
  std::size_t offset_, length_;
};

/// The text that each named part matched.
using Fields = std::map<std::string, std::string>;

/// `{name}` is a named part, `*` any text, `?` one character; none of them goes beyond a '/'. A pattern with n slashes
/// is held against the last n + 1 parts of a path.
class FilePattern {
 public:
  /// `kind_of` says what each named part may be. Throws PatternError.
  FilePattern(std::string text, const std::function<FieldKind(const std::string&)>& kind_of);

  const std::string& text() const { return text_; }
  /// In the order in which they stand.
  const std::vector<std::string>& fields() const { return fields_; }
  /// Nothing when the path is not of this form. Of several ways to match, earlier parts are as short as possible.
  std::optional<Fields> match(std::string_view path) const;

 private:
  struct Token {
    enum class Type { literal, any, one, field } type = Type::literal;
    std::string text;  // of a literal; name of a field
    FieldKind kind = FieldKind::text;
  };
  void add_field(std::size_t at, std::size_t length, const std::function<FieldKind(const std::string&)>& kind_of);

  std::string text_;
  std::vector<Token> tokens_;
  std::vector<std::string> fields_;
  std::size_t slashes_ = 0;
};

}  // namespace voxflow::acquisition
