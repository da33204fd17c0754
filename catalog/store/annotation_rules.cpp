#include "catalog/store/annotation_rules.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "catalog/query/query.hpp"
#include "catalog/store/fields.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::catalog {

using record::AnnotationKey;
using record::AnnotationType;

namespace {
std::string_view base_unit(Dimension d) {
  switch (d) {
    case Dimension::length:
      return "um";
    case Dimension::time:
      return "s";
    case Dimension::bytes:
      return "B";
    case Dimension::angle:
      return "deg";
    default:
      return "";
  }
}

std::string shown(const record::Annotation& a) {
  if (const auto* text = std::get_if<std::string>(&a.value)) return fmt::format("\"{}\"", *text);
  if (const auto* truth = std::get_if<bool>(&a.value)) return *truth ? "true" : "false";
  return format_quantity(std::get<double>(a.value), a.key.unit);
}

[[noreturn]] void refuse(const AnnotationKey& declared, const record::Annotation& given) {
  throw UserError(fmt::format("annotation '{}' is declared as {}, but {} was given", declared.name, describe(declared),
                              shown(given)));
}
}  // namespace

std::span<const AnnotationKey> fixed_keys() {
  using enum AnnotationType;
  // Those that kernels read have their units from the start: one image annotated without would set them for all.
  static const std::array kKeys{AnnotationKey{"acquired", date, ""},
                                AnnotationKey{"instrument", text, ""},
                                AnnotationKey{"emission", number, "nm"},
                                AnnotationKey{"excitation", number, "nm"},
                                AnnotationKey{"numerical_aperture", number, ""},
                                AnnotationKey{"refractive_index", number, ""},
                                AnnotationKey{"camera_gain", number, ""},
                                AnnotationKey{"camera_offset", number, ""},
                                AnnotationKey{"camera_read_noise", number, ""}};
  return kKeys;
}

std::string measure(const AnnotationKey& key) {
  if (key.type != AnnotationType::number) return std::string(to_string(key.type));
  const auto unit = find_unit(key.unit);
  return std::string(to_string(unit ? unit->dimension : Dimension::none));
}

double in_base_unit(double number, std::string_view unit) {
  const auto known = find_unit(unit);
  return known ? convert({number, std::string(unit)}, base_unit(known->dimension)) : number;
}

bool is_date(std::string_view text) {
  if (text.ends_with('Z')) text.remove_suffix(1);
  // A digit for each 0; the date may end at each |.
  constexpr std::string_view kPattern = "0000|-00|-00|T00:00|:00|.";
  std::size_t at = 0;
  for (const char want : kPattern) {
    if (want == '|') {
      if (at == text.size()) break;
      continue;
    }
    if (at == text.size()) return false;
    const char got = text[at++];
    const bool digit = got >= '0' && got <= '9';
    if (want == '0' ? !digit : got != want) return false;
  }
  const auto fraction = text.substr(at);
  if (fraction.find_first_not_of("0123456789") != std::string_view::npos) return false;
  const auto number = [&](std::size_t i) {
    return text.size() >= i + 2 ? (text[i] - '0') * 10 + (text[i + 1] - '0') : -1;
  };
  const int month = number(5), day = number(8), hour = number(11), minute = number(14);
  return month != 0 && month <= 12 && day != 0 && day <= 31 && hour <= 23 && minute <= 59;
}

void require_usable(const AnnotationKey& key) {
  if (!query::is_field_name(key.name))
    throw UserError(
        fmt::format("'{}' cannot be the name of an annotation: letters, digits, '_' and '.' can, without a digit in "
                    "front, and no word of the query language",
                    key.name));
  const auto own = field_names();
  const bool fixed = std::ranges::any_of(fixed_keys(), [&](const AnnotationKey& k) { return k.name == key.name; });
  if (!fixed && std::ranges::find(own, key.name) != own.end())
    throw UserError(
        fmt::format("'{}' is a field that every image has; choose another name for the annotation", key.name));
  if (!key.unit.empty() && (key.type != AnnotationType::number || !find_unit(key.unit)))
    throw UserError(
        key.type != AnnotationType::number
            ? fmt::format("annotation '{}' is {}, which has no unit; '{}' was given", key.name, to_string(key.type),
                          key.unit)
            : fmt::format(
                  "annotation '{}': '{}' is not a unit; units are um, nm, mm, ms, s, min, h, day, B, KB, MB, GB, "
                  "TB, deg and rad",
                  key.name, key.unit));
}

record::Annotation fit(const AnnotationKey& declared, const record::Annotation& given) {
  const auto* text = std::get_if<std::string>(&given.value);
  if (text && !is_plain_utf8(*text))
    throw UserError(
        fmt::format("annotation '{}' holds bytes that are no UTF-8 text; save the file as UTF-8 (in Excel: CSV "
                    "UTF-8)",
                    declared.name));
  switch (declared.type) {
    case AnnotationType::text:
      if (!text) refuse(declared, given);
      break;
    case AnnotationType::boolean:
      if (!std::holds_alternative<bool>(given.value)) refuse(declared, given);
      break;
    case AnnotationType::date:
      if (!text) refuse(declared, given);
      if (!is_date(*text))
        throw UserError(
            fmt::format("annotation '{}' is a date, but \"{}\" is none; write it as 2026-11-22 or 2026-11-22T08:15:00Z",
                        declared.name, *text));
      break;
    case AnnotationType::number: {
      const auto* number = std::get_if<double>(&given.value);
      if (!number || !std::isfinite(*number)) refuse(declared, given);
      if (measure(declared) != measure(given.key)) refuse(declared, given);
      return {declared, given.key.unit == declared.unit ? *number : convert({*number, given.key.unit}, declared.unit)};
    }
  }
  return {declared, given.value};
}

std::string describe(const AnnotationKey& key) {
  const std::string type(to_string(key.type));
  return key.unit.empty() ? type : fmt::format("{} in {}", type, key.unit);
}

}  // namespace voxflow::catalog
