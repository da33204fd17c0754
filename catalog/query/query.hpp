// The one query language of command line, YAML and web page: text to a typed tree.
//   project = "malaria" and time_post_infection between 18 h and 1 day and not exists parasite_count
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pipeline/core/error.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::catalog::query {

enum class Compare { equal, not_equal, less, less_equal, greater, greater_equal };

/// A value as it was written: text ("G12" or a date "2026-11-22"), a number with or without a unit, or true/false.
using Literal = std::variant<std::string, Quantity, bool>;

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Comparison {
  std::string field;
  Compare compare;
  Literal value;
};
/// Inclusive on both ends.
struct Between {
  std::string field;
  Literal low, high;
};
struct In {
  std::string field;
  std::vector<Literal> values;
};
struct Exists {
  std::string field;
};
/// derived_from("name or id"), has_result("workflow/step"), stale
struct Call {
  std::string function;
  std::vector<std::string> arguments;
};
struct Not {
  NodePtr operand;
};
struct And {
  std::vector<NodePtr> operands;
};
struct Or {
  std::vector<NodePtr> operands;
};

/// One node; `offset` and `length` are its field's (or function's) place in the text, `value_*` that of what it is
/// compared with (or of the arguments), for messages.
struct Node {
  std::variant<Comparison, Between, In, Exists, Call, Not, And, Or> what;
  std::size_t offset = 0, length = 0;
  std::size_t value_offset = 0, value_length = 0;
};

/// A parsed query; empty text selects everything (root is null).
struct Query {
  std::string text;
  NodePtr root;
};

/// A query that cannot be read or does not fit the declared keys. what() shows the text with a caret.
class QueryError : public UserError {
 public:
  QueryError(const std::string& text, std::size_t offset, std::size_t length, const std::string& message,
             const std::string& hint = "");
  std::size_t offset() const { return offset_; }
  std::size_t length() const { return length_; }
  const std::string& message() const { return plain_; }
  const std::string& hint() const { return hint_; }

 private:
  std::size_t offset_, length_;
  std::string plain_, hint_;
};

/// Throws QueryError.
Query parse(std::string_view text);

/// Every field name used, in order of place, each once.
std::vector<std::string> fields(const Query& query);

/// Whether `name` can stand in a query as an annotation's key: letters, digits, '_' and '.', no digit in front, no
/// keyword.
bool is_field_name(std::string_view name);

}  // namespace voxflow::catalog::query
