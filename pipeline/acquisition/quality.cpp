#include "pipeline/acquisition/quality.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "pipeline/core/error.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow::acquisition {

namespace {
using nlohmann::json;

const MetricRule* rule_of(std::string_view metric) {
  const auto rules = metric_rules();
  const auto it = std::find_if(rules.begin(), rules.end(), [&](const MetricRule& r) { return r.name == metric; });
  return it == rules.end() ? nullptr : &*it;
}

bool beyond(const MetricRule& rule, double value, const std::optional<double>& limit) {
  return limit && (rule.bad == MetricRule::Bad::above ? value > *limit : value < *limit);
}

/// "channel 'DAPI', timepoint 3, plane 5: "
std::string place(const Measurement& m) {
  std::string text;
  if (!m.channel.empty()) text += fmt::format("channel '{}'", m.channel);
  if (m.timepoint >= 0) text += fmt::format("{}timepoint {}", text.empty() ? "" : ", ", m.timepoint);
  if (m.plane >= 0) text += fmt::format("{}plane {}", text.empty() ? "" : ", ", m.plane);
  return text.empty() ? "" : text + ": ";
}

/// Six digits say all that a measurement is good for.
std::string shown(double v) {
  return fmt::format("{:.6g}", v);
}
}  // namespace

std::string_view to_string(Verdict v) {
  return v == Verdict::ok ? "ok" : v == Verdict::warn ? "warn" : "reject";
}

std::optional<Verdict> verdict_from(std::string_view name) {
  for (const Verdict v : {Verdict::ok, Verdict::warn, Verdict::reject})
    if (to_string(v) == name) return v;
  return std::nullopt;
}

std::span<const MetricRule> metric_rules() {
  using enum MetricRule::Bad;
  static const std::vector<MetricRule> kRules{
      {above, "saturated", "share of a volume's voxels at the camera's maximum", 0.001},
      {above, "empty_volumes", "volumes whose voxels are all equal, or not numbers", 0.0},
      {above, "blank_planes", "planes whose voxels are all equal, as where a camera lost frames", 0.0},
      {above, "hot_pixels", "share of pixels that stand out of their neighbours in most planes", 0.0005},
      {above, "nan", "share of a volume's voxels that are not numbers", 0.0},
      {below, "snr", "signal over noise: their standard deviations, in the best plane", 0.25},
      {below, "focus", "share of the signal in details of a few voxels, in the sharpest plane", std::nullopt},
      {above, "voxel_size_max", "largest distance of voxels, in um", 100.0},
      {below, "voxel_size_min", "smallest distance of voxels, in um", 0.001},
      {above, "voxel_xy_ratio", "how many times the distance along one of x and y is that along the other", 1.5}};
  return kRules;
}

std::span<const std::string> structure_rules() {
  static const std::vector<std::string> kRules{"missing_timepoints", "missing_annotations", "annotation_values",
                                               "image_size"};
  return kRules;
}

Thresholds default_thresholds() {
  Thresholds t;
  for (const MetricRule& rule : metric_rules()) t.metrics[rule.name] = {rule.warn, std::nullopt};
  for (const std::string& rule : structure_rules()) t.structure[rule] = Verdict::reject;
  return t;
}

Verdict QualityReport::verdict() const {
  Verdict worst = Verdict::ok;
  for (const Finding& f : findings) worst = std::max(worst, f.verdict);
  return worst;
}

std::string QualityReport::to_json() const {
  json metrics = json::array(), found = json::array();
  for (const Measurement& m : measurements) {
    json j{{"metric", m.metric}, {"value", m.value}};
    if (!m.channel.empty()) j["channel"] = m.channel;
    if (m.timepoint >= 0) j["timepoint"] = m.timepoint;
    if (m.plane >= 0) j["plane"] = m.plane;
    metrics.push_back(std::move(j));
  }
  for (const Finding& f : findings)
    found.push_back({{"rule", f.rule}, {"verdict", to_string(f.verdict)}, {"text", f.text}});
  const json whole{{"verdict", to_string(verdict())}, {"metrics", metrics}, {"findings", found}};
  // File names in the texts need not be UTF-8.
  return whole.dump(-1, ' ', false, json::error_handler_t::replace);
}

QualityReport QualityReport::from_json(std::string_view text) {
  try {
    const json whole = json::parse(text);
    QualityReport report;
    for (const json& m : whole.at("metrics"))
      report.measurements.push_back({m.at("metric").get<std::string>(), m.value("channel", ""),
                                     m.at("value").get<double>(), m.value("timepoint", -1),
                                     m.value("plane", static_cast<Index>(-1))});
    for (const json& f : whole.at("findings"))
      report.findings.push_back({f.at("rule").get<std::string>(),
                                 verdict_from(f.at("verdict").get<std::string>()).value_or(Verdict::warn),
                                 f.at("text").get<std::string>()});
    return report;
  } catch (const json::exception& e) {
    throw UserError(fmt::format("this is no report of an image's quality: {}", e.what()));
  }
}

std::vector<Finding> judge(std::span<const Measurement> measurements, const Thresholds& thresholds) {
  std::vector<Finding> findings;
  for (const Measurement& m : measurements) {
    const MetricRule* rule = rule_of(m.metric);
    const auto limit = thresholds.metrics.find(m.metric);
    if (rule == nullptr || limit == thresholds.metrics.end()) continue;
    const bool reject = beyond(*rule, m.value, limit->second.reject);
    if (!reject && !beyond(*rule, m.value, limit->second.warn)) continue;
    findings.push_back({m.metric, reject ? Verdict::reject : Verdict::warn,
                        fmt::format("{}{} is {}, allowed {} {} ({})", place(m), m.metric, shown(m.value),
                                    rule->bad == MetricRule::Bad::above ? "up to" : "from",
                                    shown(reject ? *limit->second.reject : *limit->second.warn), rule->meaning)});
  }
  return findings;
}

std::optional<double> worst(std::span<const Measurement> measurements, std::string_view metric) {
  const MetricRule* rule = rule_of(metric);
  std::optional<double> value;
  for (const Measurement& m : measurements)
    if (m.metric == metric && (!value || (rule->bad == MetricRule::Bad::above ? m.value > *value : m.value < *value)))
      value = m.value;
  return value;
}

std::vector<Measurement> measure_calibration(const record::ImageInfo& image) {
  const auto& s = image.grid.spacing;
  // One plane has no distance to a next one.
  const bool flat = image.grid.shape[kZ] == 1;
  const double z = flat ? s[kX].value : s[kZ].value, y = s[kY].value, x = s[kX].value;
  return {{"voxel_size_max", "", std::max({z, y, x})},
          {"voxel_size_min", "", std::min({z, y, x})},
          {"voxel_xy_ratio", "", std::max(x, y) / std::min(x, y)}};
}

}  // namespace voxflow::acquisition
