// Reads a site's settings: a small YAML file beside the workflows, kept by whoever operates the cluster.
#pragma once
#include <filesystem>

#include "pipeline/core/diagnostics.hpp"
#include "pipeline/record/site.hpp"

namespace voxflow::workflow {

/// Reads and checks site settings. Throws FileError with every problem found.
record::Site parse_site(const SourceText& source);
/// Throws UserError where the file is not there.
record::Site load_site(const std::filesystem::path& file);

}  // namespace voxflow::workflow
