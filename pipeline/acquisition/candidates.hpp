// Which files make up which images, as a mask says, before any of them is opened.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/acquisition/mask.hpp"
#include "pipeline/acquisition/quality.hpp"

namespace voxflow::acquisition {

/// One image as its files' names tell of it.
struct Candidate {
  interop::ImportRequest request;  // without project and agent
  std::vector<Finding> findings;   // what their names or their number break
  bool whole = true;               // false: the files leave holes, and the image cannot be put together
};

struct Candidates {
  std::vector<Candidate> images;                 // in natural order of their first files
  std::vector<std::filesystem::path> unmatched;  // files of which no pattern speaks
};

/// Every file below the folders, and the files named themselves, absolute and in natural order; hidden ones are passed
/// over. Throws UserError where a path does not exist, SystemError where a folder cannot be read.
std::vector<std::filesystem::path> walk(const std::vector<std::filesystem::path>& paths);

/// Files are of one image when all that their names say is the same but for timepoint, channel and plane, and when they
/// lie in one folder as far as the pattern does not name folders.
Candidates candidates(const Mask& mask, const std::vector<std::filesystem::path>& files);

}  // namespace voxflow::acquisition
