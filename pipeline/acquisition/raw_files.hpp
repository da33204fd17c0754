// The files that an image was imported from, kept byte by byte as an artifact of their own.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/core/hash.hpp"

namespace voxflow::acquisition {

/// Copies the files to <project>/raw/ab/<digest of their names and contents>/, unless they are there, and returns that
/// folder relative to the archive. Every copy is held against its digest. Throws SystemError, DiskFullError.
std::string keep_raw_files(const archive::Archive& archive, const std::string& project, const std::string& agent,
                           const std::vector<std::string>& files, const std::vector<Digest>& digests);

}  // namespace voxflow::acquisition
