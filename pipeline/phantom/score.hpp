// How near a result comes to the truth.
#pragma once
#include <cstdint>
#include <span>

namespace voxflow::phantom {

/// Peak signal-to-noise ratio in dB; the peak is max − min of the truth, or 1 where that is 0. Infinite when equal.
/// Throws InternalError when the sizes differ.
double psnr(std::span<const float> truth, std::span<const float> image);

/// PSNR of `image` times a factor plus an offset, those with which it comes nearest to the truth: for images whose scale
/// of intensities is another.
double psnr_after_fit(std::span<const float> truth, std::span<const float> image);

/// Objects of the truth, objects found, and pairs of both.
struct ObjectScore {
  int truth = 0, found = 0, matched = 0;
};

/// Pairs labels (0 = background) of two volumes of one shape, best intersection over union first, each label once, down
/// to `least_iou`. Throws InternalError when the sizes differ.
ObjectScore match_objects(std::span<const std::uint32_t> truth, std::span<const std::uint32_t> found,
                          double least_iou = 0.5);

}  // namespace voxflow::phantom
