// The quality gate: what is measured of an image, the rules that judge it, and the report.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/core/geometry.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::acquisition {

enum class Verdict { ok, warn, reject };
std::string_view to_string(Verdict v);
std::optional<Verdict> verdict_from(std::string_view name);

/// What is measured, in which direction it is bad, and where it warns unless a mask says otherwise.
struct MetricRule {
  enum class Bad { above, below } bad = Bad::above;
  std::string name;
  std::string meaning;         // completes "value 0.02, warns above 0.001: "
  std::optional<double> warn;  // default; nothing: measured only
};
std::span<const MetricRule> metric_rules();

/// Rules without a threshold, for what can be seen before a voxel is read; what breaks them is rejected unless a mask
/// says otherwise.
std::span<const std::string> structure_rules();

/// Beyond `warn` or `reject`, in the direction in which the rule is bad, an image is warned of or rejected.
struct Limit {
  std::optional<double> warn, reject;
};

/// How strictly images are judged.
struct Thresholds {
  std::map<std::string, Limit> metrics;
  std::map<std::string, Verdict> structure;
};
/// Warnings at the rules' own defaults, and no rejection but for structure.
Thresholds default_thresholds();

/// One metric's worst value over a channel.
struct Measurement {
  std::string metric;
  std::string channel;  // "" of the whole image
  double value = 0;
  int timepoint = -1;  // where it was worst; -1: of the whole image
  Index plane = -1;
};

/// A rule that an image breaks.
struct Finding {
  std::string rule;
  Verdict verdict = Verdict::warn;
  std::string text;  // with channel, timepoint, plane, value and limit
  friend bool operator==(const Finding&, const Finding&) = default;
};

struct QualityReport {
  std::vector<Measurement> measurements;
  std::vector<Finding> findings;
  /// The worst of the findings'.
  Verdict verdict() const;
  /// {"verdict", "metrics": [...], "findings": [...]}
  std::string to_json() const;
  /// Throws UserError when `text` is not that.
  static QualityReport from_json(std::string_view text);
};

/// What the measurements break, in their order.
std::vector<Finding> judge(std::span<const Measurement> measurements, const Thresholds& thresholds);

/// The worst value of a metric over all channels; nothing when it was not measured.
std::optional<double> worst(std::span<const Measurement> measurements, std::string_view metric);

/// Voxel sizes as measurements: "voxel_size_max" and "voxel_size_min" in um, "voxel_xy_ratio".
std::vector<Measurement> measure_calibration(const record::ImageInfo& image);

}  // namespace voxflow::acquisition
