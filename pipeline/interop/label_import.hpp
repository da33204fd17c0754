// Labels that a person drew in ImageJ become a label image of the archive, derived from the image they were drawn on.
#pragma once
#include <filesystem>
#include <string>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/record/manifest.hpp"

namespace voxflow::interop {

/// Which regions are one object.
enum class Objects {
  regions,  // each its own, unless it says its label
  groups    // those of one ImageJ group
};

struct LabelImportRequest {
  std::filesystem::path rois;  // .roi, or .zip of ImageJ's ROI Manager
  record::InputRecord image;   // what they were drawn on: id, content and place
  std::string project;
  std::string step = "labels";  // what people find them by: "<image> drawn/<step>"
  std::string agent, host;      // who drew or imports them, and where
  Objects objects = Objects::regions;
  bool each_channel = false;  // regions belong to the channel they were drawn on; else there is one channel of labels
};

struct ImportedLabels {
  std::string artifact;  // folder, relative to the archive
  std::string id;        // in the catalog
  bool already_there = false;
  std::uint64_t objects = 0, regions = 0;
  std::uint64_t covered_voxels = 0;  // of objects that later ones lie over
};

/// Publishes the regions as labels of the image's size. A region with a property `label`, as voxflow exports them,
/// keeps that label; the others count on from the largest. Where regions overlap the later one counts. Holds the
/// regions' corners and planes of one chunk's depth in memory. Throws UserError, naming the region, when it is no area,
/// lies on a plane that the image does not have, or outside of it; SystemError and DiskFullError from the archive.
ImportedLabels import_labels(const LabelImportRequest& request, const archive::Archive& archive);

}  // namespace voxflow::interop
