#include "pipeline/sdk/schema.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow {

namespace {
template <class T>
const T* find_named(const std::vector<T>& items, std::string_view name) {
  const auto it = std::find_if(items.begin(), items.end(), [&](const T& i) { return i.name == name; });
  return it == items.end() ? nullptr : &*it;
}

std::string type_name(const ParamInfo& info) {
  switch (info.type) {
    case ParamType::boolean:
      return "true or false";
    case ParamType::integer:
      return "a whole number";
    case ParamType::number:
      return info.unit.empty() ? "a number" : fmt::format("a number with a unit, such as '1 {}'", info.unit);
    case ParamType::text:
      return "text";
    case ParamType::choice:
      return fmt::format("one of {}", join(info.choices, ", "));
    default:
      return fmt::format("a list of {} {}", info.length, info.unit.empty() ? "numbers" : "quantities in " + info.unit);
  }
}

std::string range_text(const ParamInfo& info) {
  if (info.low && info.high)
    return fmt::format("{} to {}", format_quantity(*info.low, info.unit), format_quantity(*info.high, info.unit));
  return info.low ? fmt::format("at least {}", format_quantity(*info.low, info.unit))
                  : fmt::format("at most {}", format_quantity(*info.high, info.unit));
}

bool has_right_type(const ParamInfo& info, const ParamValue& v) {
  switch (info.type) {
    case ParamType::boolean:
      return std::holds_alternative<bool>(v);
    case ParamType::integer:
      return std::holds_alternative<std::int64_t>(v);
    case ParamType::number:
      return std::holds_alternative<double>(v);
    case ParamType::numbers:
      return std::holds_alternative<std::vector<double>>(v) && std::get<std::vector<double>>(v).size() == info.length;
    default:
      return std::holds_alternative<std::string>(v);
  }
}

template <class T>
void find_duplicates(const std::vector<T>& items, std::string_view what, std::vector<std::string>& defects) {
  for (const T& item : items)
    if (find_named(items, item.name) != &item) defects.push_back(fmt::format("there are two {} '{}'", what, item.name));
}

std::vector<double> numbers_of(const ParamValue& v) {
  if (std::holds_alternative<double>(v)) return {std::get<double>(v)};
  if (std::holds_alternative<std::int64_t>(v)) return {static_cast<double>(std::get<std::int64_t>(v))};
  if (std::holds_alternative<std::vector<double>>(v)) return std::get<std::vector<double>>(v);
  return {};
}
}  // namespace

std::string_view to_string(PortKind k) {
  switch (k) {
    case PortKind::image:
      return "image";
    case PortKind::labels:
      return "labels";
    case PortKind::mask:
      return "mask";
    case PortKind::table:
      return "table";
    case PortKind::transform:
      return "transform";
    default:
      return "psf";
  }
}

std::string_view to_string(Blockwise b) {
  switch (b) {
    case Blockwise::exact:
      return "exact";
    case Blockwise::within:
      return "within a tolerance";
    case Blockwise::volume:
      return "whole volume";
    case Blockwise::components:
      return "components merged across blocks";
    default:
      return "external command";
  }
}

std::string_view to_string(NanPolicy p) {
  switch (p) {
    case NanPolicy::propagates:
      return "NaN spreads over the kernel's reach";
    case NanPolicy::ignored:
      return "NaN voxels are left out";
    default:
      return "NaN is an error";
  }
}

const PortInfo* SchemaInfo::input(std::string_view port) const {
  return find_named(inputs, port);
}
const PortInfo* SchemaInfo::output(std::string_view port) const {
  return find_named(outputs, port);
}
const ParamInfo* SchemaInfo::param(std::string_view p) const {
  return find_named(params, p);
}

std::vector<std::string> SchemaInfo::defects() const {
  std::vector<std::string> d;
  const auto dot = name.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == name.size()) d.push_back("the name is not 'family.name'");
  if (version < 1) d.push_back("the version is not at least 1");
  if (summary.empty()) d.push_back("there is no summary");
  if (outputs.empty()) d.push_back("there is no output");
  const bool reads_images =
      std::any_of(inputs.begin(), inputs.end(), [](const PortInfo& p) { return p.type.kind == PortKind::image; });
  if (reads_images && !nan_policy) d.push_back("nan(...) does not say what happens to NaN voxels");
  if (blockwise == Blockwise::within && !(tolerance > 0)) d.push_back("blockwise_within has no tolerance");
  if (block_voxels < 1) d.push_back("block_voxels is not at least 1");
  if (blockwise == Blockwise::external && command.empty()) d.push_back("the external command is empty");
  const auto volumes = [](const std::vector<PortInfo>& ports) {
    return std::count_if(ports.begin(), ports.end(), [](const PortInfo& p) { return is_volumetric(p.type.kind); });
  };
  if (in_groups && (blockwise != Blockwise::volume || !all_t || !all_c || volumes(inputs) != 1 || volumes(outputs) > 0))
    d.push_back("in_groups needs blockwise volume, all(t, c), one volumetric input and no volumetric output");
  find_duplicates(inputs, "inputs", d);
  find_duplicates(outputs, "outputs", d);
  find_duplicates(params, "parameters", d);
  for (const PortInfo& o : outputs)
    if (!o.type.same_as.empty() && input(o.type.same_as) == nullptr)
      d.push_back(fmt::format("output '{}' is like input '{}', which there is none of", o.name, o.type.same_as));
  for (const ParamInfo& p : params) {
    const auto say = [&](std::string_view what) { d.push_back(fmt::format("parameter '{}' {}", p.name, what)); };
    const bool numeric = p.type == ParamType::integer || p.type == ParamType::number || p.type == ParamType::numbers;
    if (p.doc.empty()) say("has no sentence");
    if (numeric && !p.low && !p.high) say("has no range");
    if (p.type == ParamType::text && p.choices.empty()) say("is text without choices");
    if (!p.optional || !std::holds_alternative<std::monostate>(p.default_value))
      if (const auto problem = check_value(p, p.default_value)) say("has a default that does not fit: " + *problem);
  }
  return d;
}

std::optional<std::string> check_value(const ParamInfo& info, const ParamValue& value) {
  if (std::holds_alternative<std::monostate>(value)) {
    if (info.optional) return std::nullopt;
    return fmt::format("{} is not set; it is {}", info.name, type_name(info));
  }
  if (!has_right_type(info, value)) return fmt::format("{} is not {}", info.name, type_name(info));
  if (info.type == ParamType::choice || !info.choices.empty()) {
    const auto& text = std::get<std::string>(value);
    if (std::find(info.choices.begin(), info.choices.end(), text) == info.choices.end())
      return fmt::format("{} is '{}', allowed {}{}", info.name, text, join(info.choices, ", "),
                         did_you_mean(text, info.choices));
  }
  for (const double v : numbers_of(value))
    if (!std::isfinite(v) || (info.low && v < *info.low) || (info.high && v > *info.high))
      return fmt::format("{} is {}, allowed {}", info.name, format_quantity(v, info.unit), range_text(info));
  return std::nullopt;
}

ParamValues resolve_params(const SchemaInfo& schema, const ParamValues& given) {
  std::vector<std::string> problems, names;
  ParamValues resolved;
  for (const ParamInfo& p : schema.params) {
    names.push_back(p.name);
    const auto it = given.find(p.name);
    const ParamValue& value = it == given.end() ? p.default_value : it->second;
    if (const auto problem = check_value(p, value)) problems.push_back(*problem);
    resolved[p.name] = value;
  }
  for (const auto& [name, value] : given)
    if (schema.param(name) == nullptr)
      problems.push_back(fmt::format("there is no parameter '{}'{}", name, did_you_mean(name, names)));
  if (!problems.empty()) throw UserError(fmt::format("kernel '{}': {}", schema.name, join(problems, "; ")));
  return resolved;
}

}  // namespace voxflow
