#include "catalog/store/query_sql.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "catalog/model/model.hpp"
#include "catalog/store/annotation_rules.hpp"
#include "catalog/store/fields.hpp"
#include "catalog/store/name_resolver.hpp"
#include "pipeline/core/dtype.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::catalog {

using query::Compare;
using query::Literal;
using query::QueryError;
using record::AnnotationKey;
using record::AnnotationType;

namespace {
/// A field of the image itself or of what generated it.
struct Field {
  std::string_view name;
  AnnotationType type;
  std::string_view unit;
  std::string_view column;
};
constexpr std::array kFields{Field{"id", AnnotationType::text, "", "x.id"},
                             Field{"name", AnnotationType::text, "", "e.name"},
                             Field{"kind", AnnotationType::text, "", "e.kind"},
                             Field{"project", AnnotationType::text, "", "e.project"},
                             Field{"created", AnnotationType::date, "", "e.created"},
                             Field{"count", AnnotationType::number, "", "e.count"},
                             Field{"channels", AnnotationType::number, "", "i.sc"},
                             Field{"timepoints", AnnotationType::number, "", "i.st"},
                             Field{"shape.z", AnnotationType::number, "", "i.sz"},
                             Field{"shape.y", AnnotationType::number, "", "i.sy"},
                             Field{"shape.x", AnnotationType::number, "", "i.sx"},
                             Field{"spacing.z", AnnotationType::number, "um", "i.vz_um"},
                             Field{"spacing.y", AnnotationType::number, "um", "i.vy_um"},
                             Field{"spacing.x", AnnotationType::number, "um", "i.vx_um"},
                             Field{"dtype", AnnotationType::text, "", "i.dtype"},
                             Field{"workflow", AnnotationType::text, "", "a.workflow"},
                             Field{"step", AnnotationType::text, "", "a.step"},
                             Field{"kernel", AnnotationType::text, "", "a.kernel"}};
constexpr std::string_view kProject = "project";
constexpr std::string_view kChannel = "channel";
constexpr std::string_view kAcquiredDay = "acquired.date";

std::string_view sign(Compare c) {
  switch (c) {
    case Compare::equal:
      return "=";
    case Compare::not_equal:
      return "<>";
    case Compare::less:
      return "<";
    case Compare::less_equal:
      return "<=";
    case Compare::greater:
      return ">";
    default:
      return ">=";
  }
}

/// What is compared: a column (with its type), reached directly or through a subquery of entities.
struct Target {
  AnnotationKey type;
  std::string column;
  std::string before, after;     // around the comparison
  std::vector<SqlValue> values;  // of `before`
};

class Compiler {
 public:
  Compiler(const query::Query& q, const std::vector<AnnotationKey>& keys, Database& db)
      : query_(q), keys_(keys), db_(db) {}

  SqlCondition run() {
    if (!query_.root) return {"1", {}};
    add(*query_.root);
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(std::size_t offset, std::size_t length, const std::string& message,
                         const std::string& hint = "") const {
    throw QueryError(query_.text, offset, length, message, hint);
  }
  [[noreturn]] void fail_value(const query::Node& n, const std::string& message, const std::string& hint = "") const {
    fail(n.value_offset, n.value_length, message, hint);
  }

  void add(const query::Node& n) {
    std::visit([&](const auto& what) { add(n, what); }, n.what);
  }
  void add(const query::Node&, const query::And& w) { add_list(w.operands, " AND "); }
  void add(const query::Node&, const query::Or& w) { add_list(w.operands, " OR "); }
  void add_list(const std::vector<query::NodePtr>& operands, const char* join) {
    balanced(0, operands.size(), join, [&](std::size_t i) { add(*operands[i]); });
  }
  /// "((0 OR 1) OR (2 OR 3))": SQLite limits how deep conditions nest, not how many there are.
  template <class F>
  void balanced(std::size_t first, std::size_t last, const char* join, F&& put_one) {
    if (last - first == 1) return put_one(first);
    const std::size_t middle = first + (last - first) / 2;
    out_.text += "(";
    balanced(first, middle, join, put_one);
    out_.text += join;
    balanced(middle, last, join, put_one);
    out_.text += ")";
  }
  void add(const query::Node&, const query::Not& w) {
    out_.text += "NOT ";
    add(*w.operand);
  }

  void add(const query::Node& n, const query::Comparison& w) {
    compare(target(n, w.field), [&](const Target& t) { add_compare(n, t, w.compare, w.value); });
  }
  void add(const query::Node& n, const query::Between& w) {
    compare(target(n, w.field), [&](const Target& t) {
      if (is_text(t)) refuse_order(n, t);
      add_compare(n, t, Compare::greater_equal, w.low);
      out_.text += " AND ";
      add_compare(n, t, Compare::less_equal, w.high);
    });
  }
  void add(const query::Node& n, const query::In& w) {
    compare(target(n, w.field), [&](const Target& t) {
      out_.text += "(";
      balanced(0, w.values.size(), " OR ", [&](std::size_t i) { add_compare(n, t, Compare::equal, w.values[i]); });
      out_.text += ")";
    });
  }
  void add(const query::Node& n, const query::Exists& w) {
    compare(target(n, w.field), [&](const Target& t) { out_.text += t.column + " IS NOT NULL"; });
  }

  void add(const query::Node& n, const query::Call& w) {
    if (w.function == "stale")
      fail(n.offset, n.length, "this catalog does not keep which results are stale",
           "ask for one image or task: voxflow why IMAGE");
    if (w.function == "derived_from")
      derived_from(n, w.arguments.at(0));
    else
      has_result(n, w.arguments.at(0));
  }

  void derived_from(const query::Node& n, const std::string& source) {
    std::int64_t entity = 0;
    try {
      entity = resolve_entity(db_, source);
    } catch (const UserError& e) {
      fail_value(n, e.what());
    }
    out_.text +=
        "e.n IN (WITH RECURSIVE down(n) AS (SELECT entity FROM derived WHERE source = ?"
        " UNION SELECT d.entity FROM derived d JOIN down ON d.source = down.n) SELECT n FROM down)";
    out_.values.emplace_back(entity);
  }

  void has_result(const query::Node& n, const std::string& name) {
    const auto parts = split(name, '/');
    if (parts.size() != 2 || parts[0].empty() || parts[1].empty())
      fail_value(n, fmt::format("has_result wants a workflow and its step, not \"{}\"", name),
                 "has_result(\"first_look/cells\")");
    out_.text +=
        "e.n IN (WITH RECURSIVE up(n) AS (SELECT d.source FROM activity b JOIN derived d ON d.activity = b.n"
        " WHERE b.workflow = ? AND b.step = ? UNION SELECT d.source FROM derived d JOIN up ON d.entity = up.n) SELECT "
        "n FROM up)";
    out_.values.emplace_back(parts[0]);
    out_.values.emplace_back(parts[1]);
  }

  template <class F>
  void compare(const Target& t, F&& body) {
    out_.text += t.before;
    out_.values.insert(out_.values.end(), t.values.begin(), t.values.end());
    body(t);
    out_.text += t.after;
  }

  Target target(const query::Node& n, const std::string& name) const {
    for (const Field& f : kFields)
      if (f.name == name) {
        const std::string column(f.column);
        // Without a value a comparison is false, not unknown: its negation holds.
        return {{name, f.type, std::string(f.unit)}, column, "(" + column + " IS NOT NULL AND ", ")", {}};
      }
    if (name == kChannel)
      return {{name, AnnotationType::text, ""}, "ch.name", "e.n IN (SELECT ch.entity FROM channel ch WHERE ", ")", {}};
    if (name == kAcquiredDay) return annotation({"acquired", AnnotationType::date, ""}, "substr(v.text, 1, 10)");
    for (const AnnotationKey& k : keys_)
      if (k.name == name)
        return annotation(k,
                          k.type == AnnotationType::number || k.type == AnnotationType::boolean ? "v.base" : "v.text");
    std::vector<std::string> known = field_names();
    for (const AnnotationKey& k : keys_) known.push_back(k.name);
    fail(n.offset, n.length, fmt::format("there is no field or annotation '{}'{}", name, did_you_mean(name, known)));
  }

  static Target annotation(const AnnotationKey& key, const std::string& column) {
    return {key,
            column,
            "e.n IN (SELECT ea.entity FROM ann_value v JOIN entity_ann ea ON ea.value = v.n"
            " WHERE v.key = (SELECT n FROM ann_key WHERE name = ?) AND v.measure = ? AND ",
            ")",
            {key.name, measure(key)}};
  }

  static bool is_text(const Target& t) { return t.type.type == AnnotationType::text; }

  [[noreturn]] void refuse_order(const query::Node& n, const Target& t) const {
    fail(n.offset, n.length, fmt::format("'{}' is text, which has no order; use =, != or in", t.type.name));
  }
  [[noreturn]] void refuse_type(const query::Node& n, const Target& t, const std::string& got,
                                const std::string& hint = "") const {
    fail_value(n, fmt::format("'{}' is {}, not {}", t.type.name, describe(t.type), got), hint);
  }

  void add_compare(const query::Node& n, const Target& t, Compare c, const Literal& value) {
    switch (t.type.type) {
      case AnnotationType::text:
        return add_text(n, t, c, value);
      case AnnotationType::date:
        return add_date(n, t, c, value);
      case AnnotationType::number:
        return add_number(n, t, c, value);
      case AnnotationType::boolean:
        return add_truth(n, t, c, value);
    }
  }

  void put(const std::string& column, Compare c, SqlValue value) {
    out_.text += fmt::format("{} {} ?", column, sign(c));
    out_.values.push_back(std::move(value));
  }

  void add_text(const query::Node& n, const Target& t, Compare c, const Literal& value) {
    const auto* text = std::get_if<std::string>(&value);
    if (!text) {
      const auto* q = std::get_if<Quantity>(&value);
      const std::string got = q ? format_quantity(q->number, q->unit) : std::get<bool>(value) ? "true" : "false";
      refuse_type(n, t, q ? "the number " + got : got, fmt::format("write \"{}\"", got));
    }
    if (c != Compare::equal && c != Compare::not_equal) refuse_order(n, t);
    if (t.type.name == "kind") require_one_of(n, t, *text, kind_names());
    if (t.type.name == "dtype") require_one_of(n, t, *text, dtype_names());
    if (t.type.name == kProject) return put_project(c, *text);
    put(t.column, c, *text);
  }

  /// What another project has a copy of is that project's, too.
  void put_project(Compare c, const std::string& project) {
    if (c == Compare::not_equal) out_.text += "NOT ";
    out_.text += "(e.project = ? OR e.n IN (SELECT l.entity FROM location l WHERE l.artifact >= ? AND l.artifact < ?))";
    out_.values.emplace_back(project);
    out_.values.emplace_back(project + "/");
    out_.values.emplace_back(project + "0");  // the character behind '/'
  }

  void require_one_of(const query::Node& n, const Target& t, const std::string& text,
                      const std::vector<std::string>& names) const {
    if (std::ranges::find(names, text) != names.end()) return;
    fail_value(n, fmt::format("there is no {} \"{}\"{}", t.type.name, text, did_you_mean(text, names)),
               fmt::format("allowed are {}", join(names, ", ")));
  }

  static std::vector<std::string> kind_names() {
    std::vector<std::string> names;
    for (const auto k : {EntityKind::acquisition, EntityKind::result, EntityKind::labels, EntityKind::mask,
                         EntityKind::table, EntityKind::transform, EntityKind::psf})
      names.emplace_back(to_string(k));
    return names;
  }
  static std::vector<std::string> dtype_names() {
    std::vector<std::string> names;
    for (const auto t : {DType::uint8, DType::uint16, DType::uint32, DType::float32}) names.emplace_back(to_string(t));
    return names;
  }

  /// Compares as much of the stored date as was written: "2026-11" is the whole month.
  void add_date(const query::Node& n, const Target& t, Compare c, const Literal& value) {
    const auto* text = std::get_if<std::string>(&value);
    if (!text) refuse_type(n, t, "a number or a truth value", "write a date in quotes: \"2026-11-22\"");
    if (!is_date(*text))
      fail_value(n, fmt::format("\"{}\" is not a date", *text), "write it as \"2026-11-22\" or \"2026-11-22T08:15\"");
    const std::string prefix = text->ends_with('Z') ? text->substr(0, text->size() - 1) : *text;
    put(fmt::format("substr({}, 1, {})", t.column, prefix.size()), c, prefix);
  }

  void add_number(const query::Node& n, const Target& t, Compare c, const Literal& value) {
    const auto* q = std::get_if<Quantity>(&value);
    if (!q) refuse_type(n, t, std::holds_alternative<bool>(value) ? "true or false" : "a text");
    try {
      convert(*q, t.type.unit);
    } catch (const UserError& e) {
      fail_value(n, fmt::format("'{}' is {}: {}", t.type.name, describe(t.type), e.what()));
    }
    put(t.column, c, in_base_unit(q->number, q->unit));
  }

  void add_truth(const query::Node& n, const Target& t, Compare c, const Literal& value) {
    const auto* truth = std::get_if<bool>(&value);
    if (!truth) refuse_type(n, t, "a text or a number", "write true or false");
    if (c != Compare::equal && c != Compare::not_equal)
      fail(n.offset, n.length, fmt::format("'{}' is true or false, which has no order; use = or !=", t.type.name));
    put(t.column, c, *truth ? 1.0 : 0.0);
  }

  const query::Query& query_;
  const std::vector<AnnotationKey>& keys_;
  Database& db_;
  SqlCondition out_;
};
}  // namespace

std::vector<std::string> field_names() {
  std::vector<std::string> names;
  for (const Field& f : kFields) names.emplace_back(f.name);
  names.emplace_back(kChannel);
  names.emplace_back(kAcquiredDay);
  for (const AnnotationKey& k : fixed_keys()) names.push_back(k.name);
  return names;
}

SqlCondition compile(const query::Query& query, const std::vector<AnnotationKey>& keys, Database& db) {
  return Compiler(query, keys, db).run();
}

}  // namespace voxflow::catalog
