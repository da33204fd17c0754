// Values of a volume between its voxels, from its spectrum: the upsampled discrete Fourier transform.
#pragma once
#include <array>
#include <complex>
#include <vector>

#include "kernels/shared/fft.hpp"
#include "pipeline/sdk/block.hpp"

namespace voxflow::phase_correlation {

/// Most points along an axis.
inline constexpr std::size_t kMostPoints = 16;

/// Coordinates along each axis; what is meant are all their combinations, in raster order.
using Points = std::array<std::vector<double>, 3>;

/// The values at `points` of the volume of this shape whose half spectrum, divided by the number of voxels, is given
/// (Guizar-Sicairos 2008: a product of matrices for each axis). The bits do not depend on threads.
std::vector<double> upsample(const shared::FftBuffer& spectrum, const Index3& shape, const Points& points,
                             const Context& ctx);

/// Memory that `upsample` needs at most.
std::size_t upsample_bytes(const Index3& shape);

/// Moves a volume's content by -`shift_voxels`, part voxels too, in its half spectrum; divides by the number of voxels.
void move(const shared::FftBuffer& spectrum, const Index3& shape, const Point3& shift_voxels);

}  // namespace voxflow::phase_correlation
