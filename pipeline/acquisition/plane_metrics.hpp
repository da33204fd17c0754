// What is measured of a plane in one look.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/core/dtype.hpp"
#include "pipeline/core/geometry.hpp"

namespace voxflow::acquisition {

/// Of the voxels that are numbers. Nothing of it depends on threads.
struct PlaneMetrics {
  std::uint64_t voxels = 0, nan = 0, saturated = 0;
  bool blank = false;     // all voxels equal, or none a number
  double variance = 0;    // of the voxels
  double noise = 0;       // standard deviation, by Immerkær's difference of Laplacians (doi:10.1006/cviu.1996.0060)
  double difference = 0;  // mean square of the difference of voxels two apart along x, Brenner's measure of focus
                          // (doi:10.1177/24.1.1254907)
  /// Standard deviation of the signal over that of the noise; 0 where there is no more variance than noise.
  double signal_to_noise() const;
  /// Share of the signal's variance that is in differences of voxels two apart, without the noise's: small when
  /// blurred.
  double focus() const;
};

/// Measures the plane of `height` x `width` voxels. `maximum`: from which value on a voxel is saturated; nothing: none
/// is. The pixels that stand out of their four neighbours by more than six standard deviations of noise are added to
/// `spikes`, as y * width + x.
PlaneMetrics measure_plane(DType type, const void* voxels, Index height, Index width, std::optional<double> maximum,
                           std::vector<std::uint32_t>& spikes);

}  // namespace voxflow::acquisition
