// Regions of interest as ImageJ keeps them in .roi files, ROI archives and TIFF files.
// The bytes are those of ImageJ's RoiEncoder (version 228); what they cover is what ImageJ fills: pixels whose centre
// lies inside.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/interop/outlines.hpp"
#include "pipeline/interop/tiff_directory.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::interop {

/// The plane of an image that a region belongs to. Numbers from 1; 0: all of them.
struct RoiPlace {
  int c = 0, z = 0, t = 0;
  int position = 0;  // in an image that has several planes along one axis only
};

/// The place of a plane, t, c and z from 0, by which ImageJ finds it on `image`: channels, slices or timepoints that
/// the image has one of are left open, and with c = -1 all channels are.
RoiPlace roi_place(const record::ImageInfo& image, int t, int c, Index z);

/// A label's outline as a .roi file: a traced region, or a composite where it has holes, several parts, more than
/// 65,535 corners or coordinates beyond 16 bits. Its group is the label as far as ImageJ counts groups (1 to 255,
/// again and again), its property `label` the label itself.
Bytes8 encode_roi(const Outline& outline, const std::string& name, const RoiPlace& place);

struct RoiPoint {
  double x = 0, y = 0;
};

/// A region that somebody drew, or that encode_roi made.
struct Roi {
  std::string name;                    // "" when it has none
  std::optional<std::uint32_t> label;  // its property `label`
  int group = 0;
  RoiPlace place;
  bool oval = false;                         // of the box that its only ring is
  std::vector<std::vector<RoiPoint>> rings;  // what an odd number of them surround is inside
};

/// Reads a .roi file. Throws UserError when it is none, is cut short, or is no area: a line, points, text.
Roi decode_roi(std::string_view bytes);

/// Pixels `begin` to `end` (exclusive) of row `y`.
struct RoiSpan {
  Index y = 0, begin = 0, end = 0;
};
/// What a region covers of a plane.
std::vector<RoiSpan> covered(const Roi& roi, Index height, Index width);

}  // namespace voxflow::interop
