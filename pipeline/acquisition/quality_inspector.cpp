#include "pipeline/acquisition/quality_inspector.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include <fmt/format.h>

#include "pipeline/core/parallel.hpp"

namespace voxflow::acquisition {

namespace {
/// With fewer planes a hot pixel cannot be told from a small bright spot.
constexpr std::uint64_t kLeastPlanesForHotPixels = 4;

std::string rejection_text(const QualityReport& report) {
  std::string text = "the image was rejected:";
  for (const Finding& f : report.findings)
    if (f.verdict == Verdict::reject) text += "\n  " + f.text;
  return text;
}

/// What a measurement is good for.
double six_digits(double v) {
  return std::stod(fmt::format("{:.6g}", v));
}

record::Annotation text_annotation(const std::string& key, std::string value) {
  return {{key, record::AnnotationType::text, ""}, std::move(value)};
}

std::string range_text(const CountRange& range) {
  if (range.least == range.most) return std::to_string(range.least.value_or(0));
  if (!range.most) return fmt::format("{} or more", *range.least);
  return fmt::format("{} to {}", range.least.value_or(1), *range.most);
}

/// Whether the image has the size and the annotations that the mask expects.
void check_expectations(const Mask& mask, const record::ImageInfo& image, const record::Manifest& manifest,
                        std::vector<Finding>& findings) {
  const auto add = [&](const char* rule, std::string text) {
    const Verdict verdict = mask.thresholds.structure.at(rule);
    if (verdict != Verdict::ok) findings.push_back({rule, verdict, std::move(text)});
  };
  const auto count = [&](const char* what, std::int64_t n, const CountRange& range) {
    if (!range.holds(n)) add("image_size", fmt::format("the image has {} {}, allowed {}", n, what, range_text(range)));
  };
  count("channels", image.channel_count(), mask.channels);
  count("timepoints", image.timepoints, mask.timepoints);
  count("planes", image.grid.shape[kZ], mask.planes);
  for (const std::string& key : mask.required) {
    const auto& given = manifest.annotations;
    if (std::none_of(given.begin(), given.end(), [&](const auto& a) { return a.key.name == key; }))
      add("missing_annotations",
          fmt::format("annotation '{}' is missing, which mask '{}' requires; give it with --annotate {}=...", key,
                      mask.name, key));
  }
}

/// Of the channel's volumes or planes the worst, with its place.
void keep_worst(std::optional<Measurement>& worst, const Measurement& m, MetricRule::Bad bad) {
  if (!worst || (bad == MetricRule::Bad::above ? m.value > worst->value : m.value < worst->value)) worst = m;
}
}  // namespace

Rejected::Rejected(QualityReport report) : UserError(rejection_text(report)), report_(std::move(report)) {}

std::size_t QualityInspector::plane_index(int t, int c, Index z) const {
  return (static_cast<std::size_t>(t) * image_.channels.size() + static_cast<std::size_t>(c)) *
             static_cast<std::size_t>(image_.grid.shape[kZ]) +
         static_cast<std::size_t>(z);
}

void QualityInspector::begin(const record::ImageInfo& image) {
  image_ = image;
  if (options_.mask != nullptr) maximum_ = options_.mask->camera_maximum;
  if (!maximum_)
    visit_dtype(image.dtype, [&]<class T>(T*) {
      if constexpr (std::is_integral_v<T>) maximum_ = static_cast<double>(std::numeric_limits<T>::max());
    });
  const auto& shape = image.grid.shape;
  planes_.assign(plane_index(image.timepoints, 0, 0), {});
  spikes_.assign(image.channels.size(), std::vector<std::uint32_t>(static_cast<std::size_t>(shape[kY] * shape[kX])));
}

void QualityInspector::planes(int t, int c, Index first, Index planes, const void* voxels) {
  const auto& shape = image_.grid.shape;
  const auto plane_bytes = static_cast<std::size_t>(shape[kY] * shape[kX]) * size_bytes(image_.dtype);
  for_each_in_parallel(static_cast<std::size_t>(planes), options_.threads, [&](std::size_t i) {
    std::vector<std::uint32_t> spikes;
    const auto* plane = static_cast<const unsigned char*>(voxels) + i * plane_bytes;
    planes_[plane_index(t, c, first + static_cast<Index>(i))] =
        measure_plane(image_.dtype, plane, shape[kY], shape[kX], maximum_, spikes);
    const std::lock_guard hold(lock_);
    for (const std::uint32_t pixel : spikes) ++spikes_[static_cast<std::size_t>(c)][pixel];
  });
}

std::optional<double> QualityInspector::hot_pixels(int c) const {
  const auto planes = static_cast<std::uint64_t>(image_.timepoints) * static_cast<std::uint64_t>(image_.grid.shape[kZ]);
  if (planes < kLeastPlanesForHotPixels) return std::nullopt;
  const auto& counts = spikes_[static_cast<std::size_t>(c)];
  const auto hot = std::count_if(counts.begin(), counts.end(), [&](std::uint32_t n) { return 2ULL * n > planes; });
  return static_cast<double>(hot) / static_cast<double>(counts.size());
}

std::vector<Measurement> QualityInspector::measure_channel(int c) const {
  using enum MetricRule::Bad;
  const std::string& name = image_.channels[static_cast<std::size_t>(c)].name;
  const Index depth = image_.grid.shape[kZ];
  std::optional<Measurement> saturated, nan, snr, focus;
  Measurement empty{"empty_volumes", name}, blank{"blank_planes", name};
  for (int t = 0; t < image_.timepoints; ++t) {
    const PlaneMetrics* of = &planes_[plane_index(t, c, 0)];
    std::uint64_t voxels = 0, at_maximum = 0, not_numbers = 0;
    Index worst_plane = 0, worst_nan = 0, best_snr = 0, best_focus = 0, blanks = 0;
    for (Index z = 0; z < depth; ++z) {
      voxels += of[z].voxels;
      at_maximum += of[z].saturated;
      not_numbers += of[z].nan;
      if (of[z].saturated > of[worst_plane].saturated) worst_plane = z;
      if (of[z].nan > of[worst_nan].nan) worst_nan = z;
      if (of[z].signal_to_noise() > of[best_snr].signal_to_noise()) best_snr = z;
      if (of[z].focus() > of[best_focus].focus()) best_focus = z;
      if (!of[z].blank) continue;
      if (blanks++ == 0 && blank.value == 0) blank.timepoint = t, blank.plane = z;
    }
    blank.value += static_cast<double>(blanks);
    if (blanks == depth && empty.value++ == 0) empty.timepoint = t;
    const auto share = [&](std::uint64_t n) { return static_cast<double>(n) / static_cast<double>(voxels); };
    keep_worst(saturated, {"saturated", name, share(at_maximum), t, worst_plane}, above);
    keep_worst(nan, {"nan", name, share(not_numbers), t, worst_nan}, above);
    keep_worst(snr, {"snr", name, of[best_snr].signal_to_noise(), t, best_snr}, below);
    keep_worst(focus, {"focus", name, of[best_focus].focus(), t, best_focus}, below);
  }
  std::vector<Measurement> measured{*saturated, empty, blank};
  if (const auto hot = hot_pixels(c)) measured.push_back({"hot_pixels", name, *hot});
  if (image_.dtype == DType::float32) measured.push_back(*nan);
  measured.push_back(*snr);
  measured.push_back(*focus);
  return measured;
}

QualityReport QualityInspector::report(const record::Manifest& manifest) const {
  QualityReport report;
  const Thresholds thresholds = options_.mask != nullptr ? options_.mask->thresholds : default_thresholds();
  for (int c = 0; c < image_.channel_count(); ++c) {
    const auto measured = measure_channel(c);
    report.measurements.insert(report.measurements.end(), measured.begin(), measured.end());
  }
  const auto calibration = measure_calibration(image_);
  report.measurements.insert(report.measurements.end(), calibration.begin(), calibration.end());
  report.findings = options_.findings;
  if (options_.mask != nullptr) check_expectations(*options_.mask, image_, manifest, report.findings);
  const auto judged = judge(report.measurements, thresholds);
  report.findings.insert(report.findings.end(), judged.begin(), judged.end());
  return report;
}

void QualityInspector::complete(record::Manifest& manifest) {
  const QualityReport found = report(manifest);
  const Verdict verdict = found.verdict();
  if (verdict == Verdict::reject && !options_.accepted) throw Rejected(found);
  manifest.origin->quality = found.to_json();
  if (options_.mask != nullptr) {
    manifest.origin->mask = options_.mask->name;
    manifest.origin->mask_sha256 = options_.mask->sha256;
  }
  auto& annotations = manifest.annotations;
  annotations.push_back(text_annotation("qc", std::string(to_string(verdict))));
  for (const char* metric : {"saturated", "snr", "focus"})
    if (const auto value = worst(found.measurements, metric))
      annotations.push_back({{std::string("qc_") + metric, record::AnnotationType::number, ""}, six_digits(*value)});
  if (verdict != Verdict::reject) return;
  annotations.push_back(text_annotation("qc_accepted_by", options_.accepted->agent));
  annotations.push_back(text_annotation("qc_accepted_because", options_.accepted->reason));
}

}  // namespace voxflow::acquisition
