#include <algorithm>

#include <fmt/format.h>

#include "catalog/query/lexer.hpp"
#include "catalog/query/query.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::catalog::query {

namespace {
constexpr int kMaxDepth = 200;

const std::vector<std::string>& functions() {
  static const std::vector<std::string> kNames{"derived_from", "has_result"};
  return kNames;
}

std::string shown(const Token& t) {
  switch (t.kind) {
    case TokenKind::end:
      return "the end of the query";
    case TokenKind::text:
      return fmt::format("the text \"{}\"", t.text);
    case TokenKind::quantity:
      return fmt::format("the number {}", format_quantity(t.quantity.number, t.quantity.unit));
    default:
      return fmt::format("'{}'", t.text);
  }
}

NodePtr node(decltype(Node::what) what, const Token& name) {
  return std::make_shared<const Node>(Node{std::move(what), name.offset, name.length});
}

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text), tokens_(tokenize(text)) {}

  NodePtr run() {
    if (peek().kind == TokenKind::end) return nullptr;
    NodePtr root = any_of();
    if (peek().kind == TokenKind::close) fail(peek(), "there is no '(' for this ')'");
    if (peek().kind != TokenKind::end) expect_join(peek());
    return root;
  }

 private:
  const Token& peek() const { return tokens_[at_]; }
  Token take() { return peek().kind == TokenKind::end ? peek() : tokens_[at_++]; }
  bool is_keyword(const Token& t, std::string_view word) const {
    return t.kind == TokenKind::word && to_lower(t.text) == word;
  }
  bool accept(std::string_view word) {
    if (!is_keyword(peek(), word)) return false;
    ++at_;
    return true;
  }

  [[noreturn]] void fail(const Token& at, const std::string& message, const std::string& hint = "") const {
    throw QueryError(text_, at.offset, at.length, message, hint);
  }
  [[noreturn]] void expect_join(const Token& t) const {
    const std::vector<std::string> joins{"and", "or"};
    const std::string near = t.kind == TokenKind::word ? did_you_mean(t.text, joins) : "";
    fail(t, fmt::format("'and', 'or' or the end is wanted here, not {}{}", shown(t), near));
  }

  NodePtr any_of() {
    const Token first = peek();
    std::vector<NodePtr> parts{all_of()};
    while (accept("or")) parts.push_back(all_of());
    return parts.size() == 1 ? parts.front() : node(Or{std::move(parts)}, first);
  }

  NodePtr all_of() {
    const Token first = peek();
    std::vector<NodePtr> parts{negation()};
    while (accept("and")) parts.push_back(negation());
    return parts.size() == 1 ? parts.front() : node(And{std::move(parts)}, first);
  }

  NodePtr negation() {
    const Token first = peek();
    if (++depth_ > kMaxDepth) fail(first, fmt::format("the query is nested more than {} deep", kMaxDepth));
    NodePtr result = accept("not") ? node(Not{negation()}, first) : primary();
    --depth_;
    return result;
  }

  NodePtr primary() {
    const Token first = take();
    if (first.kind == TokenKind::open) {
      NodePtr inside = any_of();
      if (peek().kind == TokenKind::end) fail(first, "this '(' is not closed", "add ')'");
      if (take().kind != TokenKind::close) expect_join(tokens_[at_ - 1]);
      return inside;
    }
    if (is_keyword(first, "exists")) {
      const Token name = field_name(take());
      return node(Exists{name.text}, name);
    }
    if (is_keyword(first, "stale")) return node(Call{"stale", {}}, first);
    if (first.kind == TokenKind::word && peek().kind == TokenKind::open) return call(first);
    const Token name = field_name(first);
    if (accept("between")) return between(name);
    if (accept("in")) return one_of(name);
    return comparison(name);
  }

  Token field_name(const Token& t) const {
    if (t.kind != TokenKind::word) fail(t, fmt::format("a field's name is wanted here, not {}", shown(t)));
    if (std::ranges::count(keywords(), to_lower(t.text)) > 0)
      fail(t, fmt::format("a field's name is wanted here, not the word '{}'", t.text));
    return t;
  }

  NodePtr call(const Token& name) {
    if (std::ranges::count(functions(), name.text) == 0)
      fail(name, fmt::format("there is no function '{}'{}", name.text, did_you_mean(name.text, functions())),
           "functions are derived_from(\"name or id\") and has_result(\"workflow/step\")");
    take();
    const Token argument = take();
    if (argument.kind == TokenKind::close) fail(name, fmt::format("{} wants one text in double quotes", name.text));
    if (argument.kind != TokenKind::text) refuse_bare(argument);
    if (peek().kind != TokenKind::close)
      fail(peek(), fmt::format("{} takes one text; ')' is wanted here, not {}", name.text, shown(peek())));
    take();
    return with_value(Call{name.text, {argument.text}}, name, argument, argument);
  }

  NodePtr comparison(const Token& name) {
    const Token sign = take();
    if (sign.kind != TokenKind::compare) {
      const std::vector<std::string> words{"between", "in"};
      const std::string near = sign.kind == TokenKind::word ? did_you_mean(sign.text, words) : "";
      fail(sign.kind == TokenKind::end ? name : sign,
           fmt::format("after '{}' a comparison is wanted (=, !=, <, <=, >, >=, between, in), not {}{}", name.text,
                       shown(sign), near),
           sign.kind == TokenKind::end ? fmt::format("to ask whether there is a value: exists {}", name.text) : "");
    }
    const Token at = peek();
    Literal value = literal();
    return with_value(Comparison{name.text, sign.compare, std::move(value)}, name, at, at);
  }

  NodePtr between(const Token& name) {
    const Token first = peek();
    Literal low = literal();
    if (!accept("and"))
      fail(peek(), fmt::format("'and' and the upper bound are wanted here, not {}", shown(peek())),
           "between 18 h and 1 day");
    const Token last = peek();
    Literal high = literal();
    return with_value(Between{name.text, std::move(low), std::move(high)}, name, first, last);
  }

  NodePtr one_of(const Token& name) {
    const Token first = take();
    if (first.kind != TokenKind::open)
      fail(first, fmt::format("'(' is wanted after 'in', not {}", shown(first)), "in (\"a\", \"b\")");
    std::vector<Literal> values{literal()};
    while (peek().kind == TokenKind::comma) {
      take();
      values.push_back(literal());
    }
    const Token last = take();
    if (last.kind != TokenKind::close) fail(last, fmt::format("',' or ')' is wanted here, not {}", shown(last)));
    return with_value(In{name.text, std::move(values)}, name, first, last);
  }

  NodePtr with_value(decltype(Node::what) what, const Token& name, const Token& first, const Token& last) const {
    return std::make_shared<const Node>(
        Node{std::move(what), name.offset, name.length, first.offset, last.offset + last.length - first.offset});
  }

  Literal literal() {
    const Token t = take();
    if (t.kind == TokenKind::text) return t.text;
    if (t.kind == TokenKind::quantity) return t.quantity;
    if (is_keyword(t, "true")) return true;
    if (is_keyword(t, "false")) return false;
    refuse_bare(t);
  }

  [[noreturn]] void refuse_bare(const Token& t) const {
    if (t.kind == TokenKind::word)
      fail(t, fmt::format("text stands in double quotes, but '{}' has none", t.text),
           fmt::format("write \"{}\"", t.text));
    fail(t, fmt::format("a value is wanted here, not {}", shown(t)),
         "a text in double quotes, a number with its unit, a date such as \"2026-11-22\", or true or false");
  }

  const std::string& text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

void collect(const NodePtr& n, std::vector<std::string>& names) {
  if (!n) return;
  std::visit(
      [&](const auto& w) {
        if constexpr (requires { w.field; }) {
          if (std::ranges::count(names, w.field) == 0) names.push_back(w.field);
        } else if constexpr (requires { w.operands; }) {
          for (const NodePtr& operand : w.operands) collect(operand, names);
        } else if constexpr (requires { w.operand; }) {
          collect(w.operand, names);
        }
      },
      n->what);
}
}  // namespace

Query parse(std::string_view text) {
  Query query{std::string(text), nullptr};
  query.root = Parser(query.text).run();
  return query;
}

std::vector<std::string> fields(const Query& query) {
  std::vector<std::string> names;
  collect(query.root, names);
  return names;
}

bool is_field_name(std::string_view name) {
  if (name.empty() || std::ranges::count(keywords(), to_lower(name)) > 0) return false;
  try {
    const auto tokens = tokenize(std::string(name));
    return tokens.size() == 2 && tokens[0].kind == TokenKind::word && tokens[0].length == name.size();
  } catch (const QueryError&) {
    return false;
  }
}

}  // namespace voxflow::catalog::query
