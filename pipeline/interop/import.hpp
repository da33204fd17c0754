// Import: microscope files become one immutable acquisition of the archive, read plane by plane.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/core/geometry.hpp"
#include "pipeline/core/hash.hpp"
#include "pipeline/interop/image_file.hpp"
#include "pipeline/record/annotation.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::interop {

/// What several files are to each other.
enum class Files { one_image, channels, timepoints };

struct ImportRequest {
  std::string project;
  std::string name;                          // "": the stem that the files have in common
  std::string agent;                         // who imports
  std::vector<std::filesystem::path> files;  // channels or timepoints in this order
  Files how = Files::one_image;
  PageAxis pages = PageAxis::z;                 // of a TIFF that does not say what its pages are
  std::optional<int> series;                    // of a file that holds several images
  std::string dataset;                          // of an HDF5 file that holds several
  std::vector<std::string> channel_names;       // empty: from the files
  std::optional<Spacing3> spacing;              // overrides what the files say
  std::vector<record::Annotation> annotations;  // override those of the files with the same key
};

struct Imported {
  std::string artifact;  // folder, relative to the archive
  Digest content;
  bool already_there = false;  // the same content had been imported before, under `name`
  record::ImageInfo info;
  std::string name;
};

/// Reads the files and publishes one acquisition, unless its content is in the archive's project already. Holds one
/// slab of chunk-depth planes in memory. Throws UserError, naming the files, when they cannot be read, do not fit
/// together, or do not say a spacing that the request does not give either; SystemError and DiskFullError from the
/// archive.
Imported import_image(const ImportRequest& request, const archive::Archive& archive);

}  // namespace voxflow::interop
