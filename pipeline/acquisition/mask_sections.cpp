#include "pipeline/acquisition/mask_sections.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::acquisition {

using record::AnnotationType;
using yaml::Reader;
using yaml::YamlEntry;
using yaml::YamlNode;

namespace {
std::optional<double> positive(Reader& reader, const YamlNode& map, const char* key, const std::string& what,
                               std::string_view unit) {
  const YamlNode* n = map.find(key);
  if (n == nullptr) return std::nullopt;
  const auto v = reader.quantity(*n, what, unit);
  if (v && !(*v > 0)) reader.problem(n->mark, fmt::format("{} is {}, allowed is more than 0", what, Reader::shown(*n)));
  return v;
}

std::optional<NamedAnnotation> read_named(Reader& reader, const YamlEntry& entry) {
  static const std::vector<std::string> kKeys{"from", "type", "unit", "values"}, kTypes{"text", "number", "date"};
  const std::string what = fmt::format("annotation '{}'", entry.key.text);
  reader.check_keys(entry.value, what, kKeys);
  NamedAnnotation named{{entry.key.text, AnnotationType::text, ""}, "", {}};
  if (const YamlNode* n = entry.value.find("unit")) {
    named.key.unit = reader.text(*n, "unit of " + what).value_or("");
    named.key.type = AnnotationType::number;
    if (!named.key.unit.empty() && !find_unit(named.key.unit))
      reader.problem(n->mark,
                     fmt::format("unit of {} is '{}', which is none; units are um, nm, mm, ms, s, min, h, day, "
                                 "B, KB, MB, GB, TB, deg and rad",
                                 what, named.key.unit));
  }
  if (const YamlNode* n = entry.value.find("type"))
    if (const auto type = reader.choice(*n, "type of " + what, kTypes)) {
      if (!named.key.unit.empty() && *type != "number")
        reader.problem(n->mark, fmt::format("{} has the unit '{}' and the type {}; only numbers have units", what,
                                            named.key.unit, *type));
      named.key.type = *record::annotation_type_from(*type);
    }
  if (const YamlNode* n = entry.value.find("values"))
    for (const YamlNode& item : reader.list(*n, "values of " + what, "[G12, A1H1]"))
      if (const auto value = reader.text(item, "a value of " + what)) named.values.push_back(*value);
  const YamlNode* from = entry.value.find("from");
  if (from == nullptr) {
    reader.problem(entry.key.mark,
                   fmt::format("{} has no 'from', the part of the file's name that gives its value", what),
                   "or write its value itself, as 'objective: 63x'");
    return std::nullopt;
  }
  named.from = reader.text(*from, "from of " + what).value_or("");
  return named.from.empty() ? std::nullopt : std::optional(named);
}

/// A number, or { from: 10, to: 40 }.
CountRange read_count(Reader& reader, const YamlNode& node, const std::string& what) {
  constexpr std::int64_t kMost = 10'000'000;
  static const std::vector<std::string> kKeys{"from", "to"};
  if (node.kind != YamlNode::Kind::map) {
    const auto n = reader.whole_number(node, what, 1, kMost);
    return {n, n};
  }
  reader.check_keys(node, what, kKeys);
  CountRange range;
  if (const YamlNode* n = node.find("from")) range.least = reader.whole_number(*n, "from of " + what, 1, kMost);
  if (const YamlNode* n = node.find("to")) range.most = reader.whole_number(*n, "to of " + what, 1, kMost);
  if (range.least && range.most && *range.least > *range.most)
    reader.problem(node.mark, fmt::format("{} is from {} to {}: nothing fits", what, *range.least, *range.most));
  return range;
}

void read_limit(Reader& reader, const YamlEntry& entry, Limit& limit) {
  static const std::vector<std::string> kKeys{"warn", "reject"};
  const std::string& rule = entry.key.text;
  if (entry.value.kind == YamlNode::Kind::scalar && entry.value.text == "off") {
    limit = {};
    return;
  }
  if (entry.value.kind != YamlNode::Kind::map) {
    reader.problem(entry.value.mark,
                   fmt::format("rule '{}' is {}; wanted are limits, or off", rule, Reader::shown(entry.value)),
                   fmt::format("such as {}: {{ warn: 0.01, reject: 0.2 }}", rule));
    return;
  }
  reader.check_keys(entry.value, fmt::format("rule '{}'", rule), kKeys);
  if (const YamlNode* n = entry.value.find("warn"))
    limit.warn = reader.quantity(*n, fmt::format("warn of rule '{}'", rule), "");
  if (const YamlNode* n = entry.value.find("reject"))
    limit.reject = reader.quantity(*n, fmt::format("reject of rule '{}'", rule), "");
}
}  // namespace

void read_annotations(Reader& reader, const YamlNode& map, Mask& mask) {
  if (!reader.is_map(map, "'annotations'")) return;
  reader.check_keys(map, "'annotations'", {});
  for (const YamlEntry& entry : map.entries) {
    if (entry.value.kind == YamlNode::Kind::map) {
      if (const auto named = read_named(reader, entry)) mask.named.push_back(*named);
    } else if (const auto value = reader.text(entry.value, fmt::format("annotation '{}'", entry.key.text))) {
      mask.constants.push_back(entry.value.quoted
                                   ? record::Annotation{{entry.key.text, AnnotationType::text, ""}, *value}
                                   : record::typed_annotation(entry.key.text, *value));
    }
  }
}

void read_image(Reader& reader, const YamlNode& map, Mask& mask) {
  static const std::vector<std::string> kKeys{"channels", "timepoints", "planes"};
  if (!reader.is_map(map, "'image'")) return;
  reader.check_keys(map, "'image'", kKeys);
  if (const YamlNode* n = map.find("channels")) mask.channels = read_count(reader, *n, "image.channels");
  if (const YamlNode* n = map.find("timepoints")) mask.timepoints = read_count(reader, *n, "image.timepoints");
  if (const YamlNode* n = map.find("planes")) mask.planes = read_count(reader, *n, "image.planes");
}

void read_channels(Reader& reader, const YamlNode& list, Mask& mask) {
  static const std::vector<std::string> kKeys{"name", "emission", "excitation"};
  for (const YamlNode& item : reader.list(list, "'channels'", "[DAPI, LaminB1]")) {
    interop::Wavelengths wavelengths;
    std::optional<std::string> name;
    if (item.kind == YamlNode::Kind::map) {
      reader.check_keys(item, "a channel", kKeys);
      if (const YamlNode* n = item.find("name"))
        name = reader.text(*n, "name of a channel");
      else
        reader.problem(item.mark, "a channel has no 'name'");
      wavelengths.emission_nm = positive(reader, item, "emission", "emission of a channel", "nm");
      wavelengths.excitation_nm = positive(reader, item, "excitation", "excitation of a channel", "nm");
    } else {
      name = reader.text(item, "name of a channel");
    }
    if (name && std::find(mask.channel_names.begin(), mask.channel_names.end(), *name) != mask.channel_names.end())
      reader.problem(item.mark, fmt::format("two channels are called '{}'", *name));
    mask.channel_names.push_back(name.value_or(""));
    mask.wavelengths.push_back(wavelengths);
  }
}

void read_calibration(Reader& reader, const YamlNode& map, Mask& mask) {
  static const std::vector<std::string> kKeys{"z", "y", "x", "time_step"};
  if (!reader.is_map(map, "'calibration'")) return;
  reader.check_keys(map, "'calibration'", kKeys);
  interop::GivenSpacing spacing;
  spacing.um = {positive(reader, map, "z", "calibration.z", "um"), positive(reader, map, "y", "calibration.y", "um"),
                positive(reader, map, "x", "calibration.x", "um")};
  if (spacing.um[kZ] || spacing.um[kY] || spacing.um[kX]) mask.spacing = spacing;
  mask.time_step_s = positive(reader, map, "time_step", "calibration.time_step", "s");
}

void read_camera(Reader& reader, const YamlNode& map, Mask& mask) {
  static const std::vector<std::string> kKeys{"maximum", "gain", "offset", "read_noise"};
  if (!reader.is_map(map, "'camera'")) return;
  reader.check_keys(map, "'camera'", kKeys);
  mask.camera_maximum = positive(reader, map, "maximum", "camera.maximum", "");
  for (const char* key : {"gain", "offset", "read_noise"})
    if (const YamlNode* n = map.find(key))
      if (const auto v = reader.quantity(*n, fmt::format("camera.{}", key), ""))
        mask.constants.push_back({{std::string("camera_") + key, AnnotationType::number, ""}, *v});
}

void read_quality(Reader& reader, const YamlNode& map, Mask& mask) {
  if (!reader.is_map(map, "'quality'")) return;
  std::vector<std::string> rules;
  for (const MetricRule& rule : metric_rules()) rules.push_back(rule.name);
  rules.insert(rules.end(), structure_rules().begin(), structure_rules().end());
  reader.check_keys(map, "'quality'", rules);
  static const std::vector<std::string> kVerdicts{"ok", "warn", "reject"};
  for (const YamlEntry& entry : map.entries) {
    if (const auto metric = mask.thresholds.metrics.find(entry.key.text); metric != mask.thresholds.metrics.end())
      read_limit(reader, entry, metric->second);
    else if (const auto rule = mask.thresholds.structure.find(entry.key.text); rule != mask.thresholds.structure.end())
      if (const auto verdict = reader.choice(entry.value, fmt::format("rule '{}'", entry.key.text), kVerdicts))
        rule->second = *verdict_from(*verdict);
  }
}

}  // namespace voxflow::acquisition
