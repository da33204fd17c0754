// Measures an image while it is imported, in bounded memory, and judges it before it is published.
#pragma once
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/acquisition/mask.hpp"
#include "pipeline/acquisition/plane_metrics.hpp"
#include "pipeline/acquisition/quality.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/interop/import.hpp"

namespace voxflow::acquisition {

/// An image that the quality gate keeps out; what() lists why.
class Rejected : public UserError {
 public:
  explicit Rejected(QualityReport report);
  const QualityReport& report() const { return report_; }

 private:
  QualityReport report_;
};

/// A person who wants an image in spite of its quality, and why.
struct Acceptance {
  std::string agent, reason;
};

struct GateOptions {
  const Mask* mask = nullptr;     // null: the rules' own defaults
  std::vector<Finding> findings;  // of before the voxels were read
  std::optional<Acceptance> accepted;
  std::size_t threads = 1;
};

/// Holds a few numbers a plane and one a pixel of each channel. For one image.
class QualityInspector final : public interop::Inspector {
 public:
  explicit QualityInspector(GateOptions options) : options_(std::move(options)) {}

  void begin(const record::ImageInfo& image) override;
  void planes(int t, int c, Index first, Index planes, const void* voxels) override;
  /// Puts the report and the annotations "qc", "qc_saturated", "qc_snr" and "qc_focus" into the manifest; who accepted
  /// a rejected image and why as "qc_accepted_by" and "qc_accepted_because". Throws Rejected.
  void complete(record::Manifest& manifest) override;
  /// Of all planes that were shown, and of what the manifest says of the image.
  QualityReport report(const record::Manifest& manifest) const;

 private:
  std::size_t plane_index(int t, int c, Index z) const;
  std::vector<Measurement> measure_channel(int c) const;
  std::optional<double> hot_pixels(int c) const;

  GateOptions options_;
  record::ImageInfo image_;
  std::optional<double> maximum_;
  std::vector<PlaneMetrics> planes_;                // t, c, z
  std::vector<std::vector<std::uint32_t>> spikes_;  // by channel: in how many planes each pixel stands out
  std::mutex lock_;
};

}  // namespace voxflow::acquisition
