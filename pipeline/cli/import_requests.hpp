// From import's command line to the images that are to be imported.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "pipeline/acquisition/candidates.hpp"
#include "pipeline/acquisition/mask.hpp"
#include "pipeline/cli/session.hpp"

namespace voxflow::cli {

struct ImportOptions {
  std::vector<std::string> files, channel_names, annotations;
  std::string project, name, files_are, pages, spacing, mask, keep, accept_because, dataset, site, series;
  std::size_t at_a_time = 0;  // 0: chosen by the machine
};

struct ImportRequests {
  std::optional<acquisition::Mask> mask;
  std::string mask_text;
  std::vector<acquisition::Candidate> images;
  std::vector<std::filesystem::path> unmatched;  // files of which the mask does not speak
};

/// Annotations as the catalog's keys want them. Throws UserError when something does not fit.
ImportRequests import_requests(Session& session, const ImportOptions& options);

/// A mask that fits the keys of the archive's catalog. Throws FileError, UserError.
acquisition::Mask mask_for(Session& session, const std::string& file, std::string* text = nullptr);

/// Puts the annotations into the form that the catalog's keys want. Throws UserError.
void fit_annotations(std::vector<record::Annotation>& annotations, const std::vector<record::AnnotationKey>& keys);

}  // namespace voxflow::cli
