// The spellings of units that microscope files use.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace voxflow::interop {

/// Micrometres in one unit of that name ("micron", "um", "µm", "\u00B5m" as ImageJ escapes it, "nm", "inch", ...);
/// nothing for "pixel", "" and other names that say no length.
std::optional<double> micrometres_in(std::string_view unit);

/// `v` of that unit in micrometres; nothing when the unit says no length.
std::optional<double> in_micrometres(double v, std::string_view unit);

/// Seconds in one unit of that name ("s", "ms", "min", "h", ...); nothing when there is none.
std::optional<double> seconds_in(std::string_view unit);

/// A decimal number that fills `text`; nothing otherwise, or when it is not finite.
std::optional<double> number_in(std::string_view text);

/// A whole number of at least 0 that fills `text`; nothing otherwise.
std::optional<long> count_in(std::string_view text);

/// `v` to six significant digits: what a calibration that went through a 32-bit rational tag can still mean.
double to_six_digits(double v);

}  // namespace voxflow::interop
