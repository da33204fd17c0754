#include "catalog/query/lexer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"

namespace voxflow::catalog::query {

namespace {
bool is_digit(char ch) {
  return ch >= '0' && ch <= '9';
}

bool starts_word(char ch) {
  return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' || static_cast<unsigned char>(ch) >= 0x80;
}

struct Sign {
  std::string_view text;
  Compare compare;
};
constexpr std::array kCompares{Sign{"!=", Compare::not_equal},     Sign{"<=", Compare::less_equal},
                               Sign{">=", Compare::greater_equal}, Sign{"=", Compare::equal},
                               Sign{"<", Compare::less},           Sign{">", Compare::greater}};

/// Signs of other languages, and what is written here.
struct Foreign {
  std::string_view text, here;
};
constexpr std::array kForeign{Foreign{"==", "="},   Foreign{"<>", "!="}, Foreign{"=<", "<="}, Foreign{"=>", ">="},
                              Foreign{"&&", "and"}, Foreign{"&", "and"}, Foreign{"||", "or"}, Foreign{"|", "or"},
                              Foreign{"=~", "="},   Foreign{"~", "="}};
constexpr std::array<std::string_view, 5> kCurlyQuotes{"\u201c", "\u201d", "\u201e", "\u2018", "\u2019"};

class Lexer {
 public:
  explicit Lexer(const std::string& text) : text_(text) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    do tokens.push_back(next());
    while (tokens.back().kind != TokenKind::end);
    return tokens;
  }

 private:
  std::string_view rest() const { return std::string_view(text_).substr(at_); }

  Token next() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
    Token token;
    token.offset = at_;
    if (at_ == text_.size()) return token;
    const char ch = text_[at_];
    for (const std::string_view quote : kCurlyQuotes)
      if (rest().starts_with(quote))
        throw QueryError(text_, at_, quote.size(), "this quotation mark is typographic",
                         "use straight double quotes: \"...\"");
    if (ch == '"')
      read_text(token);
    else if (ch == '\'')
      refuse_single_quote();
    else if (is_digit(ch) ||
             ((ch == '-' || ch == '+' || ch == '.') && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])))
      read_quantity(token);
    else if (starts_word(ch))
      read_word(token);
    else
      read_sign(token);
    token.length = at_ - token.offset;
    return token;
  }

  void read_text(Token& token) {
    token.kind = TokenKind::text;
    const std::size_t start = at_++;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      const bool escape =
          text_[at_] == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
      if (escape) ++at_;
      token.text += text_[at_];
    }
    if (at_ == text_.size())
      throw QueryError(text_, start, text_.size() - start, "the closing quotation mark is missing",
                       "end the text with \"");
    ++at_;
  }

  [[noreturn]] void refuse_single_quote() {
    const auto close = text_.find('\'', at_ + 1);
    const std::size_t length = close == std::string::npos ? 1 : close + 1 - at_;
    const std::string inside = close == std::string::npos ? "..." : text_.substr(at_ + 1, length - 2);
    throw QueryError(text_, at_, length, "text stands in double quotes", fmt::format("write \"{}\"", inside));
  }

  void read_word(Token& token) {
    token.kind = TokenKind::word;
    while (at_ < text_.size() && (starts_word(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '.')) ++at_;
    token.text = text_.substr(token.offset, at_ - token.offset);
  }

  void read_quantity(Token& token) {
    token.kind = TokenKind::quantity;
    if (text_[at_] == '+') ++at_;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), token.quantity.number);
    if (error != std::errc{} || !std::isfinite(token.quantity.number))
      throw QueryError(text_, token.offset, 1, "this is not a number that can be compared");
    at_ += static_cast<std::size_t>(end - begin);
    read_unit(token);
  }

  /// A word behind a number is its unit, unless it goes on with the query.
  void read_unit(Token& token) {
    const std::size_t number_end = at_;
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    Token word;
    word.offset = at_;
    if (at_ == text_.size() || !starts_word(text_[at_])) {
      at_ = number_end;
      return;
    }
    read_word(word);
    const bool apart = word.offset > number_end;
    if (find_unit(word.text)) {
      token.quantity.unit = word.text;
    } else if (apart && (std::ranges::count(keywords(), to_lower(word.text)) > 0 || !looks_like_unit(word.text))) {
      at_ = number_end;
    } else {
      throw QueryError(
          text_, word.offset, word.text.size(), fmt::format("'{}' is not a unit", word.text),
          "units are um, nm, mm, ms, s, min, h, day, B, KB, MB, GB, TB, deg and rad; text stands in double quotes");
    }
  }

  /// Whether the word is followed by the end, a bracket, a comma, or a keyword, as a unit is.
  bool looks_like_unit(std::string_view word) const {
    const std::vector<std::string> joins{"and", "or", "not"};
    if (nearest_name(word, joins)) return false;
    const std::string_view after = trim(rest());
    if (after.empty() || after[0] == ')' || after[0] == ',') return true;
    return after.starts_with("and ") || after.starts_with("or ");
  }

  void read_sign(Token& token) {
    for (const Foreign& f : kForeign)
      if (rest().starts_with(f.text))
        throw QueryError(text_, at_, f.text.size(), fmt::format("there is no '{}' here", f.text),
                         fmt::format("write {}", f.here));
    for (const Sign& s : kCompares)
      if (rest().starts_with(s.text)) {
        token.kind = TokenKind::compare;
        token.compare = s.compare;
        at_ += s.text.size();
        token.text = s.text;
        return;
      }
    const char ch = text_[at_];
    if (ch == '!') throw QueryError(text_, at_, 1, "there is no '!' here", "write not");
    if (ch != '(' && ch != ')' && ch != ',')
      throw QueryError(text_, at_, 1, fmt::format("'{}' has no meaning here", ch));
    token.kind = ch == '(' ? TokenKind::open : ch == ')' ? TokenKind::close : TokenKind::comma;
    token.text = ch;
    ++at_;
  }

  const std::string& text_;
  std::size_t at_ = 0;
};
}  // namespace

const std::vector<std::string>& keywords() {
  static const std::vector<std::string> kWords{"and", "or", "not", "between", "in", "exists", "true", "false", "stale"};
  return kWords;
}

std::vector<Token> tokenize(const std::string& text) {
  return Lexer(text).run();
}

}  // namespace voxflow::catalog::query
