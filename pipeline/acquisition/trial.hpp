// What a mask would do with images, without doing it.
#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "pipeline/acquisition/candidates.hpp"
#include "pipeline/acquisition/quality.hpp"

namespace voxflow::acquisition {

struct TrialImage {
  std::string name;
  std::vector<std::string> files;
  std::vector<record::Annotation> annotations;
  QualityReport report;
};

/// Reads the candidate's files and judges them; what cannot be read is a finding.
TrialImage try_image(const Mask& mask, const Candidate& candidate);

/// Judges by the mask what was measured when the image was imported or rejected. Findings that do not come of a
/// measurement stay.
TrialImage try_again(const Mask& mask, TrialImage image);

/// One metric over all images, an image counting with its worst channel.
struct Distribution {
  std::string metric;
  std::size_t images = 0;
  std::array<double, 5> quantiles{};  // least, lower quartile, median, upper quartile, most
  std::size_t warned = 0, rejected = 0;
};
/// Of the metrics that were measured, in the order of the rules.
std::vector<Distribution> distributions(std::span<const TrialImage> images);

}  // namespace voxflow::acquisition
