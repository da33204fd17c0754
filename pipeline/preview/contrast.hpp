// From intensities to brightness: which value is black, which is white, and what lies between.
#pragma once
#include <span>

namespace voxflow::preview {

/// Percentiles of the pixels that are shown, between which brightness rises.
inline constexpr double kLowPercentile = 1, kHighPercentile = 99.8;
/// Zeros that are fewer than this share of the pixels have no part in it: they fill what a resampled image has no data
/// for.
inline constexpr double kNoDataShare = 0.25;
/// Decades below the highest value that a logarithmic tone shows.
inline constexpr double kDecades = 4;

/// `low` is black and `high` is full brightness.
struct Contrast {
  double low = 0, high = 1;
  friend bool operator==(const Contrast&, const Contrast&) = default;
};

/// The value below which `percent` of the finite `values` lie (nearest rank); NaN where none is finite.
double percentile(std::span<const float> values, double percent);

/// Between kLowPercentile and kHighPercentile; up to the highest value where both are the same.
Contrast robust_contrast(std::span<const float> values);

/// The highest value, and kDecades below it.
Contrast logarithmic_contrast(std::span<const float> values);

enum class Tone { linear, logarithmic };

/// Brightness of `value`, 0 to 1; of NaN 0.
double brightness(double value, const Contrast& contrast, Tone tone);

}  // namespace voxflow::preview
