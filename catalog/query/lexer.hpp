// Words, texts, numbers and signs of a query, with their places.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/query/query.hpp"

namespace voxflow::catalog::query {

enum class TokenKind { word, text, quantity, compare, open, close, comma, end };

struct Token {
  TokenKind kind = TokenKind::end;
  std::size_t offset = 0, length = 0;
  std::string text;  // the word, or the text without its quotes
  Quantity quantity;
  Compare compare = Compare::equal;
};

/// and, or, not, between, in, exists, true, false, stale: no field may have such a name.
const std::vector<std::string>& keywords();

/// The tokens of `text`, the last one being `end`. Throws QueryError.
std::vector<Token> tokenize(const std::string& text);

}  // namespace voxflow::catalog::query
