// The text that ImageJ puts into a TIFF's ImageDescription: axes and calibration of a hyperstack.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace voxflow::interop {

/// What ImageJ says of a stack. Pages run channel first, then slice, then frame.
struct ImageJDescription {
  long images = 1, channels = 1, slices = 1, frames = 1;
  std::string unit;               // as written, "" when absent
  std::string y_unit, z_unit;     // equal to `unit` unless they differ
  std::optional<double> spacing;  // of slices, in z_unit
  std::optional<double> frame_interval_s;
  std::optional<std::array<double, 2>> display;  // of a single channel: shown as black and as white
  std::optional<std::array<double, 2>> values;   // a stored number n stands for values[0] + values[1] * n
};

bool is_imagej_description(std::string_view text);

/// Reads "ImageJ=1.53t\nimages=...", but not `display` and `values`. Throws UserError when the counts are no numbers or
/// do not multiply to `images`.
ImageJDescription parse_imagej_description(std::string_view text);

/// The text that ImageJ, Fiji and tifffile read; units are written as they stand in `d`.
std::string format_imagej_description(const ImageJDescription& d);

}  // namespace voxflow::interop
