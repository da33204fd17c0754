// deconvolve.richardson_lucy: the most likely light for photon noise, by FFTs of one block with its border.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/deconvolve/richardson_lucy/blur.hpp"
#include "kernels/shared/fft.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using richardson_lucy::Blur;

struct RichardsonLucyParams {
  shared::PsfParams psf;
  int iterations = 10;
  double background = 0;
  std::optional<double> saturation;
};

// Beyond the PSF's half-width; with it blocks differ from the whole by less than the declared tolerance.
constexpr Index kSettling_voxels = 10;

class RichardsonLucy {
 public:
  using Params = RichardsonLucyParams;
  using State = std::shared_ptr<const Blur>;

  static void describe(KernelSchema<Params>& k) {
    k.name("deconvolve.richardson_lucy").version(2);
    k.summary("Takes the blur of the microscope out of an image by Richardson-Lucy iterations.");
    k.source("doi:10.1364/JOSA.62.000055").source("doi:10.1086/111605");
    k.input("image", any_real)
        .border(Border::extend)
        .doc("Blurred image; its noise should be that of photons. Negative voxels count as 0.");
    k.input("psf", psf)
        .optional()
        .doc("The blur, of the image's spacing and centred; scaled to a sum of 1. Without it, the group `psf` says what the blur is.");
    k.output("image", float_image).doc("Estimate of the light without background, nowhere below 0.");
    auto group = k.group(&Params::psf, "psf");
    shared::declare_psf(
        [&]<class M>(M shared::PsfParams::*member, const char* name) { return group.param(member, name); });
    k.param(&Params::iterations, "iterations").range(1, 200).doc("More sharpen more, and amplify noise.");
    k.param(&Params::background, "background")
        .range(0.0, 1e9)
        .doc("Signal without light, in the image's intensities: camera offset and stray light.");
    k.param(&Params::saturation, "saturation")
        .range(0.0, 1e30)
        .doc(
            "Voxels from this intensity on are taken to be clipped: there is at least as much light as they show. "
            "Unset: every voxel is what was measured.");
    k.each(t, c).blockwise_within(1e-3).nan(NanPolicy::refused);
  }

  void check(const Params& p) const {
    if (p.psf.model) return shared::check_psf(p.psf, "psf.");
    if (const auto set = set_without_model(p.psf); !set.empty())
      throw UserError(fmt::format("psf.{} is set, but psf.model is not; set psf.model", set));
  }

  void check(const Params& p, const Geometry& geometry) const {
    const bool connected = geometry.connected.contains("psf");
    if (connected && p.psf.model)
      throw UserError(
          "psf.model is set, and a PSF is connected to input 'psf'; leave out the group psf, or the connection");
    if (!connected && !p.psf.model)
      throw UserError(
          "the blur is not known; connect a PSF to input 'psf', or set psf, such as psf: { model: gaussian, sigma: "
          "[0.5 um, 0.2 um, 0.2 um] }");
  }

  State prepare(const Params& p, const Geometry& geometry) const {
    if (geometry.small.contains("psf"))
      return std::make_shared<const Blur>(geometry.small_input<Psf>("psf"), geometry.grid.spacing);
    return std::make_shared<const Blur>(p.psf, geometry.grid);
  }

  Box3 footprint(const Params&, const State& blur, const Box3& core, const Slice&, const Grid&) const {
    Index3 reach{};
    for (std::size_t i = 0; i < 3; ++i)
      reach[i] = blur->shape()[i] > 1 ? blur->shape()[i] / 2 + kSettling_voxels : 0;
    return grow(core, Halo::symmetric(reach));
  }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    return 4 * shared::fft_bytes(shared::fast_shape(extent));
  }

  void run(const Params& p, const State& blur, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const Index3 padded = shared::fast_shape(in.shape());
    const shared::Fft fft(padded);
    const shared::FftBuffer otf = transfer_function(*blur, fft), data(padded), estimate(padded), work(padded);
    extend(in, padded, data);
    const auto background = static_cast<float>(p.background);
    float highest = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
      data.data()[i] = std::max(data.data()[i], 0.0F);
      highest = std::max(highest, data.data()[i]);
    }
    if (!std::isfinite(highest))
      throw UserError("the image holds infinite voxels, which cannot be deconvolved; replace or crop them first");
    const float saturation = p.saturation ? static_cast<float>(*p.saturation) : std::numeric_limits<float>::infinity();
    // Below this the blurred estimate is rounding of the FFT.
    const float least = std::max(highest * 1e-6F, 1e-30F);
    for (std::size_t i = 0; i < data.size(); ++i) estimate.data()[i] = std::max(data.data()[i] - background, least);
    for (int iteration = 0; iteration < p.iterations; ++iteration) {
      if (ctx.cancelled()) return;
      std::copy_n(estimate.data(), estimate.size(), work.data());
      convolve(fft, work, otf, 1.0F);
      for (std::size_t i = 0; i < data.size(); ++i) {
        const float ratio = data.data()[i] / std::max(std::max(work.data()[i], 0.0F) + background, least);
        work.data()[i] = data.data()[i] < saturation ? ratio : std::max(ratio, 1.0F);
      }
      convolve(fft, work, otf, -1.0F);
      for (std::size_t i = 0; i < data.size(); ++i)
        estimate.data()[i] = std::max(estimate.data()[i] * work.data()[i], 0.0F);
    }
    store(estimate, block);
  }

 private:
  static std::string set_without_model(const shared::PsfParams& p) {
    if (p.immersion_index) return "immersion_index";
    if (p.sample_index) return "sample_index";
    if (p.depth) return "depth";
    if (p.cover_glass) return "cover_glass";
    return p.sigma ? "sigma" : "";  // the others may come from annotations
  }

  // The PSF's spectrum over the number of voxels, its middle at voxel 0.
  static shared::FftBuffer transfer_function(const Blur& blur, const shared::Fft& fft) {
    shared::FftBuffer otf(fft.shape());
    otf.fill(0);
    const Index3& shape = blur.shape();
    const auto wrap = [&](Index i, std::size_t axis) {
      return (i - shape[axis] / 2 + fft.shape()[axis]) % fft.shape()[axis];
    };
    const auto voxels = static_cast<float>(count(fft.shape()));
    const float* v = blur.voxels().data();
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
