// Acquisition masks: what a microscope's files are called, what they make up, and what is expected of them; one YAML
// file a microscope.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/acquisition/file_pattern.hpp"
#include "pipeline/acquisition/quality.hpp"
#include "pipeline/core/diagnostics.hpp"
#include "pipeline/interop/import.hpp"
#include "pipeline/record/annotation.hpp"

namespace voxflow::acquisition {

/// An annotation whose value is a part of the file's name.
struct NamedAnnotation {
  record::AnnotationKey key;
  std::string from;                 // the pattern's field
  std::vector<std::string> values;  // allowed ones, if not all are
};

/// How many there have to be; nothing: any number.
struct CountRange {
  std::optional<std::int64_t> least, most;
  bool holds(std::int64_t n) const { return n >= least.value_or(n) && n <= most.value_or(n); }
};

enum class KeepRaw { reference, copy };

struct Mask {
  std::string name, description, sha256;
  std::vector<FilePattern> files;
  std::string image_name;                     // template of fields, "" for what the files' names have in common
  std::vector<NamedAnnotation> named;         // out of file names
  std::vector<record::Annotation> constants;  // the same for every image
  std::vector<std::string> required;          // annotations that every image has
  CountRange channels, timepoints, planes;
  std::vector<std::string> channel_names;         // empty: from the files
  std::vector<interop::Wavelengths> wavelengths;  // empty, or one for each of channel_names
  std::optional<interop::GivenSpacing> spacing;
  std::optional<double> time_step_s;
  std::optional<double> camera_maximum;
  Thresholds thresholds = default_thresholds();
  interop::PageAxis pages = interop::PageAxis::z;
  KeepRaw keep = KeepRaw::reference;

  /// Of every annotation that the mask may give.
  std::vector<record::AnnotationKey> keys() const;
};

/// The parts of file names that say where in an image a file belongs.
inline constexpr const char* kTimepointField = "timepoint";
inline constexpr const char* kChannelField = "channel";
inline constexpr const char* kPlaneField = "plane";

/// Throws FileError with every problem found.
Mask parse_mask(const SourceText& source);
/// Throws UserError where the file is not there.
Mask load_mask(const std::filesystem::path& file);
/// Whether the text is meant to be a mask: it has the key 'voxflow_mask'.
bool looks_like_mask(std::string_view text);

}  // namespace voxflow::acquisition
