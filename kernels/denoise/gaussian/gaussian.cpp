// denoise.gaussian: ITK's discrete Gaussian, axis by axis, on one block.
#include <itkImage.h>
#include <itkNeighborhoodOperatorImageFilter.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::literals;

struct GaussianParams {
  Micrometres sigma = 0.2_um;
};

using Weights = itk::Neighborhood<double, 3>;
using FloatImage = itk::Image<float, 3>;
using DoubleImage = itk::Image<double, 3>;

// Blocks are filtered in the thread that asks. ITK's pool would start one for each processor, whose stacks count as the
// task's memory.
[[maybe_unused]] const bool kWithoutPool = [] {
  itk::MultiThreaderBase::SetGlobalDefaultThreader(itk::MultiThreaderBase::ThreaderEnum::Platform);
  return true;
}();

// The weights left out on both sides together sum to less.
constexpr double kTruncated = 1e-3;
// From this part of the weights on that lies on holes, a voxel has nothing around it.
constexpr float kMostMissing = 0.9999F;

// exp(-variance) I_n(variance), n = 0, 1, ..., of the modified Bessel functions, from the continued fraction of
// I_n / I_(n-1). (itk::GaussianOperator's recurrence starts too low for a standard deviation above 3.7 voxels.)
std::vector<double> half_of_weights(double variance) {
  const auto last = static_cast<std::size_t>(12 * std::sqrt(variance) + 20);
  std::vector<double> half(last + 1, 1.0);
  double ratio = 0;
  for (std::size_t n = last; n > 0; --n) half[n] = ratio = 1 / (2 * static_cast<double>(n) / variance + ratio);
  double total = 1;
  for (std::size_t n = 1; n <= last; ++n) total += 2 * (half[n] *= half[n - 1]);
  double kept = half[0];
  std::size_t n = 1;
  while (kept < (1 - kTruncated) * total) kept += 2 * half[n++];
  half.resize(n);
  for (double& w : half) w /= kept;
  return half;
}

// The weights along a z-y-x axis. ITK counts its axes x first.
Weights weights_along(unsigned axis, const GaussianParams& p, const Grid& grid) {
  const double sigma_voxels = p.sigma.value / grid.spacing[axis].value;
  const std::vector<double> half = half_of_weights(sigma_voxels * sigma_voxels);
  Weights::RadiusType radius{};
  radius[2 - axis] = half.size() - 1;
  Weights weights;
  weights.SetRadius(radius);
  for (unsigned i = 0; i < weights.Size(); ++i)
    weights[i] = half[static_cast<std::size_t>(std::abs(static_cast<int>(i) - static_cast<int>(half.size() - 1)))];
  return weights;
}

FloatImage::RegionType region_of(const Index3& origin, const Index3& extent) {
  FloatImage::RegionType region;
  for (unsigned axis = 0; axis < 3; ++axis) {
    region.SetIndex(axis, origin[2 - axis]);
    region.SetSize(axis, static_cast<itk::SizeValueType>(extent[2 - axis]));
  }
  return region;
}

// Filters `from` along one axis; the result covers `region`, whose neighbourhoods lie in `from`.
template <class To, class From>
typename To::Pointer filter(typename From::Pointer from, const Weights& weights, const FloatImage::RegionType& region) {
  const auto convolve = itk::NeighborhoodOperatorImageFilter<From, To, double>::New();
  convolve->SetInput(from);
  convolve->SetOperator(weights);
  convolve->SetNumberOfWorkUnits(1);
  convolve->GetOutput()->SetRequestedRegion(region);
  convolve->Update();
  typename To::Pointer result = convolve->GetOutput();
  result->DisconnectPipeline();
  return result;
}

class Gaussian {
 public:
  using Params = GaussianParams;

  static void describe(KernelSchema<Params>& k) {
    k.name("denoise.gaussian").version(2);
    k.summary("Discrete Gaussian of standard deviation `sigma`, cut where both tails together hold less than 0.001.");
    k.source("doi:10.1109/34.49051");
    k.input("image", any_real).border(Border::mirror).doc("What to smooth.");
    k.output("image", same_as("image"))
        .doc(
            "Smoothed, with the input's voxel type. Voxels that are NaN or infinite have no part in it: they get the "
            "mean of those around them, by the same weights; NaN where there are none.");
    k.param(&Params::sigma, "sigma").range(0.01_um, 20.0_um).doc("Standard deviation on every axis.");
    k.each(t, c).blockwise(Blockwise::exact).nan(NanPolicy::ignored);
  }

  Halo halo(const Params& p, const Grid& grid) const {
    Index3 radius{};
    for (unsigned axis = 0; axis < 3; ++axis)
      radius[axis] = static_cast<Index>(weights_along(axis, p, grid).GetRadius(2 - axis));
    return Halo::symmetric(radius);
  }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    // Two images of doubles at a time, or one and the result; and the voxels, the holes and their results.
    return static_cast<std::size_t>(count(extent)) * (2 * sizeof(double) + 4 * sizeof(float));
  }

  void run(const Params& p, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const float* end = in.data() + count(in.shape());
    if (std::all_of(in.data(), end, [](float v) { return std::isfinite(v); })) {
      if (const auto result = smooth(p, block, in.data(), ctx))
        copy_voxels(VolumeView<const float>(result->GetBufferPointer(), block.core.extent), block.output());
      return;
    }
    std::vector<float> known(in.data(), end), holes(known.size(), 0.0F);
    for (std::size_t i = 0; i < known.size(); ++i)
      if (!std::isfinite(known[i])) known[i] = 0, holes[i] = 1;
    const auto values = smooth(p, block, known.data(), ctx), missing = smooth(p, block, holes.data(), ctx);
    if (!values || !missing) return;
    // Voxels that see no hole are as in a block without one.
    float* v = values->GetBufferPointer();
    const float* m = missing->GetBufferPointer();
    for (Index i = 0; i < count(block.core.extent); ++i)
      if (m[i] != 0) v[i] = m[i] < kMostMissing ? v[i] / (1 - m[i]) : std::numeric_limits<float>::quiet_NaN();
    copy_voxels(VolumeView<const float>(v, block.core.extent), block.output());
  }

 private:
  // The core, filtered; nothing when cancelled.
  static FloatImage::Pointer smooth(const Params& p, const Block& block, const float* voxels, const Context& ctx) {
    const Index3 shape = block.input().shape();
    const auto image = FloatImage::New();
    image->SetRegions(region_of({0, 0, 0}, shape));
    image->GetPixelContainer()->SetImportPointer(const_cast<float*>(voxels),
                                                 static_cast<itk::SizeValueType>(count(shape)), false);
    const auto weights = [&](unsigned axis) { return weights_along(axis, p, block.grid); };
    const Halo& halo = block.halo;
    const Index3& core = block.core.extent;
    const Index3 wide{shape[kZ], core[kY], shape[kX]};
    // y, then x, then z: each pass covers what the next one needs.
    auto smoothed = filter<DoubleImage, FloatImage>(image, weights(kY), region_of({0, halo.low[kY], 0}, wide));
    if (ctx.cancelled()) return nullptr;
    smoothed = filter<DoubleImage, DoubleImage>(
        smoothed, weights(kX), region_of({0, halo.low[kY], halo.low[kX]}, {shape[kZ], core[kY], core[kX]}));
    if (ctx.cancelled()) return nullptr;
    return filter<FloatImage, DoubleImage>(smoothed, weights(kZ), region_of(halo.low, core));
  }
};
}  // namespace

VOXFLOW_KERNEL(Gaussian)
