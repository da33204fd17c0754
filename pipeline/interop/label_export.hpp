// Label images as ImageJ regions: an archive of ROIs, or the overlay of a TIFF.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/interop/roi.hpp"
#include "pipeline/interop/tiff_writer.hpp"

namespace voxflow::interop {

/// Calls f(name, roi) for every label of every plane: plane by plane, by label within a plane. A name is
/// "label7_c1_z12_t3", axes of length 1 left out. Holds one plane and its outlines in memory, or as many planes as 64
/// MB hold. Throws UserError when the image holds no labels or masks, SystemError when it is damaged.
void for_each_label_roi(const std::filesystem::path& labels,
                        const std::function<void(const std::string& name, const Bytes8& roi)>& f);

/// The regions as they lie on `image`, for its TIFF's overlay. Throws UserError also when the labels have other slices,
/// timepoints or channels (one stands for all) than the image, or another size.
std::vector<Bytes8> overlay_of(const std::filesystem::path& labels, const record::ImageInfo& image);

/// The label image as a ROI archive (.zip). Returns how many ROIs it holds. Throws as for_each_label_roi, and UserError
/// when `file` is there and not to be replaced.
std::size_t export_rois(const std::filesystem::path& labels, const std::filesystem::path& file, Existing existing);

}  // namespace voxflow::interop
