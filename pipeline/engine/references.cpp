#include "pipeline/engine/references.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"

namespace voxflow::engine {

namespace {
using catalog::Entity;

const record::Annotation* annotation(const Entity& e, std::string_view name) {
  const auto it = std::find_if(e.annotations.begin(), e.annotations.end(),
                               [&](const record::Annotation& a) { return a.key.name == name; });
  return it == e.annotations.end() ? nullptr : &*it;
}

std::string text_of(const record::Annotation& a) {
  if (const auto* number = std::get_if<double>(&a.value)) return format_quantity(*number, a.key.unit);
  if (const auto* flag = std::get_if<bool>(&a.value)) return *flag ? "true" : "false";
  return std::get<std::string>(a.value);
}

constexpr std::string_view kDateSuffix = ".date";
constexpr std::array<std::string_view, 2> kOwnFields{"project", "name"};

std::optional<std::string> field(const Entity& e, std::string_view name) {
  if (name == "project") return e.project;
  if (name == "name") return e.name;
  const bool day = name.ends_with(kDateSuffix);
  if (day) name.remove_suffix(kDateSuffix.size());
  const record::Annotation* a = annotation(e, name);
  if (a == nullptr) return std::nullopt;
  return day ? text_of(*a).substr(0, 10) : text_of(*a);
}

/// Seconds of "2026-11-22", "2026-11-22T08:15" and "2026-11-22 08:15:30.5Z"; nothing when it is none of these.
std::optional<double> seconds_of(std::string_view date) {
  const auto number = [&](std::size_t at, std::size_t digits) -> std::optional<double> {
    if (at + digits > date.size()) return std::nullopt;
    double v = 0;
    const auto [end, ec] = std::from_chars(date.data() + at, date.data() + at + digits, v);
    return ec == std::errc{} && end == date.data() + at + digits ? std::optional(v) : std::nullopt;
  };
  const auto year = number(0, 4), month = number(5, 2), day = number(8, 2);
  if (!year || !month || !day) return std::nullopt;
  using namespace std::chrono;
  const year_month_day ymd{std::chrono::year(static_cast<int>(*year)),
                           std::chrono::month(static_cast<unsigned>(*month)),
                           std::chrono::day(static_cast<unsigned>(*day))};
  if (!ymd.ok()) return std::nullopt;
  const auto days = static_cast<double>(sys_days(ymd).time_since_epoch().count());
  double seconds = days * 86400 + number(11, 2).value_or(0) * 3600 + number(14, 2).value_or(0) * 60;
  if (date.size() > 17) {
    double s = 0;
    std::from_chars(date.data() + 17, date.data() + date.size(), s);
    seconds += s;
  }
  return seconds;
}

std::optional<double> acquired(const Entity& e) {
  const record::Annotation* a = annotation(e, "acquired");
  return a == nullptr ? std::nullopt : seconds_of(text_of(*a));
}

std::optional<std::vector<std::string>> values(const Entity& e, const std::vector<std::string>& fields,
                                               std::string& missing) {
  std::vector<std::string> out;
  for (const std::string& f : fields) {
    const auto v = field(e, f);
    if (!v) {
      missing = f;
      return std::nullopt;
    }
    out.push_back(*v);
  }
  return out;
}

void check_compared_fields(catalog::CatalogClient& catalog, const workflow::Workflow& workflow) {
  std::vector<std::string> known(kOwnFields.begin(), kOwnFields.end());
  for (const record::AnnotationKey& key : catalog.keys()) {
    known.push_back(key.name);
    if (key.type == record::AnnotationType::date) known.push_back(key.name + std::string(kDateSuffix));
  }
  std::vector<Problem> problems;
  for (const auto& [name, reference] : workflow.references)
    for (std::size_t i = 0; i < reference.same.size(); ++i)
      if (std::find(known.begin(), known.end(), reference.same[i]) == known.end()) {
        const Mark& at = reference.same_marks[i];
        problems.push_back({at.line, at.column, at.length,
                            fmt::format("reference '{}' compares '{}', which no image is annotated with{}", name,
                                        reference.same[i], did_you_mean(reference.same[i], known)),
                            ""});
      }
  if (!problems.empty()) throw FileError(workflow.source, problems, "nothing was submitted");
}
}  // namespace

std::vector<Entity> select_images(catalog::CatalogClient& catalog, const workflow::Workflow& workflow,
                                  const catalog::query::Query& query, const Mark& where) {
  namespace q = catalog::query;
  q::Query full = query;
  const auto names = q::fields(query);
  if (std::find(names.begin(), names.end(), "kind") == names.end()) {
    auto kind = std::make_shared<q::Node>();
    kind->what = q::Comparison{"kind", q::Compare::equal, std::string("acquisition")};
    if (query.root == nullptr) {
      full.root = kind;
    } else {
      auto both = std::make_shared<q::Node>();
      both->what = q::And{{query.root, kind}};
      full.root = both;
    }
  }
  try {
    return catalog.find(full);
  } catch (const q::QueryError& e) {
    throw workflow::query_problem(workflow, where, e);
  }
}

References::References(catalog::CatalogClient& catalog, const workflow::Workflow& workflow) {
  if (workflow.references.empty()) return;
  check_compared_fields(catalog, workflow);
  for (const auto& [name, reference] : workflow.references) {
    Candidates& c = candidates_[name];
    c.reference = &reference;
    c.images = select_images(catalog, workflow, reference.select, reference.select_mark);
    std::string missing;
    for (const Entity& e : c.images)
      if (const auto v = values(e, reference.same, missing); v && acquired(e)) c.by_values[*v].push_back(&e);
    for (auto& [v, list] : c.by_values)
      std::stable_sort(list.begin(), list.end(),
                       [](const Entity* a, const Entity* b) { return *acquired(*a) < *acquired(*b); });
  }
}

References::Choice References::choose(const std::string& reference, const Entity& image) const {
  const Candidates& c = candidates_.at(reference);
  const workflow::Reference& r = *c.reference;
  const std::string query(trim(r.select.text));
  std::string missing;
  const auto wanted = values(image, r.same, missing);
  if (!wanted)
    return {nullptr, fmt::format("the image has no '{}', which reference '{}' compares", missing, reference)};
  const auto when = acquired(image);
  if (r.pick == workflow::Pick::nearest_acquired && !when)
    return {nullptr, fmt::format("the image has no 'acquired', to which reference '{}' picks the nearest", reference)};
  Choice best;
  double best_distance = 0;
  if (const auto list = c.by_values.find(*wanted); list != c.by_values.end())
    for (const Entity* e : list->second) {
      if (e->id == image.id) continue;
      const double distance =
          r.pick == workflow::Pick::latest_acquired ? -*acquired(*e) : std::abs(*acquired(*e) - *when);
      if (best.image == nullptr || distance < best_distance) best.image = e, best_distance = distance;
    }
  if (best.image != nullptr) return best;
  std::vector<std::string> same;
  for (std::size_t i = 0; i < r.same.size(); ++i) same.push_back(fmt::format("{} = {}", r.same[i], (*wanted)[i]));
  best.why_none =
      fmt::format("reference '{}' matches nothing: {}{}{}; {} image{} fit the query alone", reference, query,
                  same.empty() ? "" : " and ", join(same, " and "), c.images.size(), c.images.size() == 1 ? "" : "s");
  return best;
}

}  // namespace voxflow::engine
