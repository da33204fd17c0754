#include "pipeline/acquisition/trial.hpp"

#include <algorithm>
#include <cmath>

#include "pipeline/acquisition/quality_inspector.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/parallel.hpp"

namespace voxflow::acquisition {

namespace {
/// By the nearest rank, so that every quantile is a value that was measured. `sorted` is not empty.
double quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(std::lround(share * static_cast<double>(sorted.size() - 1)))];
}

bool is_metric(const std::string& rule) {
  const auto rules = metric_rules();
  return std::any_of(rules.begin(), rules.end(), [&](const MetricRule& r) { return r.name == rule; });
}
}  // namespace

TrialImage try_image(const Mask& mask, const Candidate& candidate) {
  TrialImage trial{candidate.request.name, {}, candidate.request.annotations, {}};
  for (const auto& file : candidate.request.files) trial.files.push_back(file.string());
  if (trial.name.empty()) trial.name = candidate.request.files.front().stem().string();
  trial.report.findings = candidate.findings;
  if (!candidate.whole) return trial;
  try {
    QualityInspector inspector({&mask, candidate.findings, std::nullopt, few_threads()});
    interop::ImportRequest request = candidate.request;
    request.inspector = &inspector;
    const record::Manifest manifest = interop::inspect_image(request);
    trial.name = manifest.name;
    trial.annotations = manifest.annotations;
    trial.report = inspector.report(manifest);
  } catch (const UserError& e) {
    const bool calibration = dynamic_cast<const interop::MissingCalibration*>(&e) != nullptr;
    trial.report.findings.push_back({calibration ? "calibration" : "unreadable", Verdict::reject, e.what()});
  }
  return trial;
}

TrialImage try_again(const Mask& mask, TrialImage image) {
  auto& findings = image.report.findings;
  std::erase_if(findings, [](const Finding& f) { return is_metric(f.rule); });
  for (Finding& f : findings)
    if (const auto rule = mask.thresholds.structure.find(f.rule); rule != mask.thresholds.structure.end())
      f.verdict = rule->second;
  const auto judged = judge(image.report.measurements, mask.thresholds);
  findings.insert(findings.end(), judged.begin(), judged.end());
  return image;
}

std::vector<Distribution> distributions(std::span<const TrialImage> images) {
  std::vector<Distribution> all;
  for (const MetricRule& rule : metric_rules()) {
    Distribution d;
    d.metric = rule.name;
    std::vector<double> values;
    for (const TrialImage& image : images) {
      if (const auto value = worst(image.report.measurements, rule.name)) values.push_back(*value);
      Verdict verdict = Verdict::ok;
      for (const Finding& f : image.report.findings)
        if (f.rule == rule.name) verdict = std::max(verdict, f.verdict);
      d.warned += verdict == Verdict::warn ? 1 : 0;
      d.rejected += verdict == Verdict::reject ? 1 : 0;
    }
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    d.images = values.size();
    for (std::size_t i = 0; i < d.quantiles.size(); ++i)
      d.quantiles[i] = quantile(values, static_cast<double>(i) / static_cast<double>(d.quantiles.size() - 1));
    all.push_back(std::move(d));
  }
  return all;
}

}  // namespace voxflow::acquisition
