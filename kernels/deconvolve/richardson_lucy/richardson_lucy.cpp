// deconvolve.richardson_lucy: the most likely light for photon noise, by FFTs of one block with its border.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/shared/fft.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::literals;

struct RichardsonLucyParams {
  std::array<Micrometres, 3> psf_sigma{0.45_um, 0.15_um, 0.15_um};
  int iterations = 10;
  double background = 0;
};

// Beyond the PSF's half-width; with it blocks differ from the whole by less than the declared tolerance.
constexpr Index kSettling_voxels = 10;

class RichardsonLucy {
 public:
  using Params = RichardsonLucyParams;
  using State = Psf;

  static void describe(KernelSchema<Params>& k) {
    k.name("deconvolve.richardson_lucy").version(1);
    k.summary("Takes the blur of the microscope out of an image by Richardson-Lucy iterations.");
    k.source("doi:10.1364/JOSA.62.000055").source("doi:10.1086/111605");
    k.input("image", any_real).border(Border::extend).doc("Blurred image; its noise should be that of photons.");
    k.input("psf", psf).optional().doc("The blur, of the image's spacing and centred; scaled to a sum of 1.");
    k.output("image", float_image).doc("Estimate of the light without background, nowhere below 0.");
    k.param(&Params::psf_sigma, "psf_sigma")
        .range(0.0_um, 5.0_um)
        .doc("Standard deviations (z, y, x) of the Gaussian that is taken for the blur where no `psf` is connected.");
    k.param(&Params::iterations, "iterations").range(1, 200).doc("More sharpen more, and amplify noise.");
    k.param(&Params::background, "background")
        .range(0.0, 1e9)
        .doc("Signal without light, in the image's intensities: camera offset and stray light.");
    k.each(t, c).blockwise_within(1e-3).nan(NanPolicy::refused);
  }

  State prepare(const Params& p, const Geometry& geometry) const {
    Psf blur = geometry.small.contains("psf") ? geometry.small_input<Psf>("psf") : gaussian(p, geometry.grid);
    for (std::size_t i = 0; i < 3; ++i)
      if (const double ratio = blur.grid.spacing[i].value / geometry.grid.spacing[i].value;
          blur.grid.shape[i] > 1 && std::abs(ratio - 1) > 0.01)
        throw UserError(fmt::format(
            "the PSF's voxels are {} um apart along {}, the image's {} um; give a PSF of the image's spacing",
            blur.grid.spacing[i].value, "zyx"[i], geometry.grid.spacing[i].value));
    normalise(blur);
    return blur;
  }

  Box3 footprint(const Params&, const State& blur, const Box3& core, const Slice&, const Grid&) const {
    Index3 reach{};
    for (std::size_t i = 0; i < 3; ++i)
      reach[i] = blur.grid.shape[i] > 1 ? blur.grid.shape[i] / 2 + kSettling_voxels : 0;
    return grow(core, Halo::symmetric(reach));
  }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    return 4 * shared::fft_bytes(shared::fast_shape(extent));
  }

  void run(const Params& p, const State& blur, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const Index3 padded = shared::fast_shape(in.shape());
    const shared::Fft fft(padded);
    const shared::FftBuffer otf = transfer_function(blur, fft), data(padded), estimate(padded), work(padded);
    extend(in, padded, data);
    const auto background = static_cast<float>(p.background);
    float highest = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
      data.data()[i] = std::max(data.data()[i], 0.0F);
      highest = std::max(highest, data.data()[i]);
    }
    // Below this the blurred estimate is rounding of the FFT.
    const float least = std::max(highest * 1e-6F, 1e-30F);
    for (std::size_t i = 0; i < data.size(); ++i) estimate.data()[i] = std::max(data.data()[i] - background, least);
    for (int iteration = 0; iteration < p.iterations; ++iteration) {
      if (ctx.cancelled()) return;
      std::copy_n(estimate.data(), estimate.size(), work.data());
      convolve(fft, work, otf, 1.0F);
      for (std::size_t i = 0; i < data.size(); ++i)
        work.data()[i] = data.data()[i] / std::max(std::max(work.data()[i], 0.0F) + background, least);
      convolve(fft, work, otf, -1.0F);
      for (std::size_t i = 0; i < data.size(); ++i)
        estimate.data()[i] = std::max(estimate.data()[i] * work.data()[i], 0.0F);
    }
    store(estimate, block);
  }

 private:
  static Psf gaussian(const Params& p, const Grid& grid) {
    Psf blur{{{1, 1, 1}, grid.spacing}, {}};
    std::array<double, 3> sigma{};
    for (std::size_t i = 0; i < 3; ++i) {
      sigma[i] = grid.shape[i] > 1 ? p.psf_sigma[i].value / grid.spacing[i].value : 0;
      blur.grid.shape[i] = 2 * static_cast<Index>(std::ceil(4 * sigma[i])) + 1;
    }
    const Index3 half{blur.grid.shape[kZ] / 2, blur.grid.shape[kY] / 2, blur.grid.shape[kX] / 2};
    const auto exponent = [&](Index i, std::size_t axis) {
      if (sigma[axis] <= 0) return 0.0;
      const double d = static_cast<double>(i - half[axis]) / sigma[axis];
      return -0.5 * d * d;
    };
    for (Index z = 0; z < blur.grid.shape[kZ]; ++z)
      for (Index y = 0; y < blur.grid.shape[kY]; ++y)
        for (Index x = 0; x < blur.grid.shape[kX]; ++x)
          blur.voxels.push_back(static_cast<float>(std::exp(exponent(z, kZ) + exponent(y, kY) + exponent(x, kX))));
    return blur;
  }

  // To a sum of 1. Refuses what is no PSF, or lies beside its centre.
  static void normalise(Psf& blur) {
    const Index3& shape = blur.grid.shape;
    double sum = 0;
    Point3 centre{};
    std::size_t i = 0;
    for (Index z = 0; z < shape[kZ]; ++z)
      for (Index y = 0; y < shape[kY]; ++y)
        for (Index x = 0; x < shape[kX]; ++x, ++i) {
          const double v = blur.voxels[i];
          if (!std::isfinite(v) || v < 0)
            throw UserError(
                fmt::format("the PSF is {} at voxel {}, {}, {} (z, y, x), allowed are 0 and more", v, z, y, x));
          const Index3 at{z, y, x};
          for (std::size_t axis = 0; axis < 3; ++axis) {
            const Index from_middle = at[axis] - shape[axis] / 2;
            centre[axis] += v * static_cast<double>(from_middle);
          }
          sum += v;
        }
    if (!(sum > 0)) throw UserError("the PSF is 0 everywhere; give one that holds light");
    for (std::size_t axis = 0; axis < 3; ++axis)
      if (std::abs(centre[axis] / sum) > 1)
        throw UserError(fmt::format(
            "the PSF's centre of light lies {:.1f} voxels from its middle along {}, allowed is 1; centre it",
            std::abs(centre[axis] / sum), "zyx"[axis]));
    for (float& v : blur.voxels) v = static_cast<float>(v / sum);
  }

  // The PSF's spectrum over the number of voxels, its middle at voxel 0.
  static shared::FftBuffer transfer_function(const Psf& blur, const shared::Fft& fft) {
    shared::FftBuffer otf(fft.shape());
    otf.fill(0);
    const Index3& shape = blur.grid.shape;
    const auto wrap = [&](Index i, std::size_t axis) {
      return (i - shape[axis] / 2 + fft.shape()[axis]) % fft.shape()[axis];
    };
    const auto voxels = static_cast<float>(count(fft.shape()));
    const float* v = blur.voxels.data();
    for (Index z = 0; z < shape[kZ]; ++z)
      for (Index y = 0; y < shape[kY]; ++y)
        for (Index x = 0; x < shape[kX]; ++x) otf.row(wrap(z, kZ), wrap(y, kY))[wrap(x, kX)] += *v++ / voxels;
    fft.forward(otf);
    return otf;
  }

  // Fills the padding with the outermost voxels, one half of it from each face.
  static void extend(VolumeView<const float> in, const Index3& padded, const shared::FftBuffer& to) {
    to.fill(0);
    const auto source = [&](Index i, std::size_t axis) {
      const Index n = in.shape()[axis];
      return i < n ? i : i - n < (padded[axis] - n) / 2 ? n - 1 : 0;
    };
    for (Index z = 0; z < padded[kZ]; ++z)
      for (Index y = 0; y < padded[kY]; ++y) {
        const float* from = in.row(source(z, kZ), source(y, kY));
        float* row = to.row(z, y);
        for (Index x = 0; x < padded[kX]; ++x) row[x] = from[source(x, kX)];
      }
  }

  // With the PSF, or mirrored (`sign` -1) with its adjoint.
  static void convolve(const shared::Fft& fft, const shared::FftBuffer& voxels, const shared::FftBuffer& otf,
                       float sign) {
    fft.forward(voxels);
    float* v = voxels.data();
    const float* h = otf.data();
    for (std::size_t i = 0; i < voxels.size(); i += 2) {
      const float re = v[i] * h[i] - v[i + 1] * sign * h[i + 1], im = v[i] * sign * h[i + 1] + v[i + 1] * h[i];
      v[i] = re, v[i + 1] = im;
    }
    fft.backward(voxels);
  }

  static void store(const shared::FftBuffer& estimate, const Block& block) {
    const auto out = block.output();
    const Index3& core = block.core.origin;
    const Index3& box = block.box().origin;
    for (Index z = 0; z < out.shape()[kZ]; ++z)
      for (Index y = 0; y < out.shape()[kY]; ++y)
        std::copy_n(estimate.row(core[kZ] - box[kZ] + z, core[kY] - box[kY] + y) + core[kX] - box[kX], out.shape()[kX],
                    out.row(z, y));
  }
};
}  // namespace

VOXFLOW_KERNEL(RichardsonLucy)
