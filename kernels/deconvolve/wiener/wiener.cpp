// deconvolve.wiener: the blur divided out where it left more signal than noise, in one pass.
#include <algorithm>
#include <cmath>

#include "kernels/shared/deconvolution.hpp"
#include "kernels/shared/parallel.hpp"
#include "pipeline/sdk/findings.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using shared::Convolution, shared::FftBuffer, shared::parallel_for;

struct WienerParams : shared::BlurredParams {};

struct FilterKey {
  Index3 shape;
  double signal_to_noise;
  friend bool operator==(const FilterKey&, const FilterKey&) = default;
};

// conj(H) / (|H|^2 + 1 / signal_to_noise^2), and 1 for light that is the same everywhere.
struct Filter {
  Convolution convolution;
  FftBuffer spectrum;

  Filter(const shared::Blur& blur, const FilterKey& key)
      : convolution(key.shape), spectrum(shared::spectrum_of(blur.psf(), convolution)) {
    const auto voxels = static_cast<float>(count(key.shape));
    const auto noise = static_cast<float>(1 / (key.signal_to_noise * key.signal_to_noise));
    std::complex<float>* h = spectrum.spectrum();
    for (Index i = 0; i < static_cast<Index>(spectrum.size()) / 2; ++i)
      h[i] = std::conj(h[i]) * ((1 + noise) / (std::norm(h[i] * voxels) + noise));
  }
  std::size_t bytes() const { return Convolution::buffer_bytes(convolution.shape()); }
};
using Blurring = shared::KnownBlur<FilterKey, Filter>;

constexpr Index kRinging_voxels = 24;  // beyond the blur's margin, over which the filter rings

// Around the volume.
Index3 reach_of(const shared::Blur& blur) {
  Index3 reach = blur.margin();
  for (Index& r : reach) r += r > 0 ? kRinging_voxels : 0;
  return reach;
}

class Wiener {
 public:
  using Params = WienerParams;
  using State = std::shared_ptr<const Blurring>;
  using Survey = shared::NoiseSurvey;

  static void describe(KernelSchema<Params>& k) {
    k.name("deconvolve.wiener").version(2);
    k.summary("Takes the blur of the microscope out of an image in one pass, by a Wiener filter.");
    k.source("doi:10.7551/mitpress/2946.001.0001");
    shared::declare_blurred(k);
    k.each(t, c).blockwise(Blockwise::volume).nan(NanPolicy::refused);
  }

  void check(const Params& p) const { shared::check_blur(p.psf); }
  void check(const Params& p, const Geometry& geometry) const { shared::check_blur(p.psf, geometry); }

  State prepare(const Params& p, const Geometry& geometry) const {
    static shared::Recent<std::string, Blurring> recent(4);
    return shared::lease(recent, p.psf, geometry);
  }

  Box3 footprint(const Params&, const State& blurring, const Box3& core, const Slice&, const Grid&) const {
    return grow(core, Halo::symmetric(reach_of(blurring->blur())));
  }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    const Index3 padded = shared::fast_shape(extent);
    return 3 * Convolution::buffer_bytes(padded) + Convolution::columns_bytes(padded) +
           shared::noise_survey_bytes(extent);
  }

  Survey survey(const Params&, const State&, const Block& block, Context& ctx) const { return {block, ctx}; }
  void merge(Survey& into, const Survey& next) const { into.add(next); }
  SmallValues emit(const Params& p, const State&, const Survey& survey, const Slice&) const {
    Table row;
    row.add({"signal_to_noise", "", std::vector<double>{shared::signal_to_noise(p, survey)}});
    return {{kFindings, std::move(row)}};
  }

  void run(const Params& p, const State& blurring, const Survey& survey, const Block& block, Context& ctx) const {
    const FilterKey key{shared::fast_shape(block.input().shape()), shared::signal_to_noise(p, survey)};
    const auto filter =
        blurring->filters().get(key, [&] { return std::make_shared<const Filter>(blurring->blur(), key); });
    const Convolution& padded = filter->convolution;
    const FftBuffer light = padded.buffer();
    shared::load(block.input(), padded, light, ctx);
    shared::join_faces(padded, light, {reach_of(blurring->blur()), block.core.extent}, ctx);
    const auto background = static_cast<float>(p.background);
    parallel_for(ctx, key.shape[kZ], [&] {
      return [&](Index z) {
        float* plane = padded.row(light, z, 0);
        for (Index i = 0; i < key.shape[kY] * padded.pitch(); ++i) plane[i] -= background;
        padded.forward_plane(light, z);
      };
    });
    parallel_for(ctx, key.shape[kY], [&] {
      return [&, columns = Convolution::Columns(padded)](Index y) {
        padded.filter_row(light, y, filter->spectrum, shared::Direction::plain, columns);
      };
    });
    parallel_for(ctx, key.shape[kZ], [&] {
      return [&](Index z) {
        padded.backward_plane(light, z);
        float* plane = padded.row(light, z, 0);
        for (Index i = 0; i < key.shape[kY] * padded.pitch(); ++i) plane[i] = std::max(plane[i], 0.0F);
      };
    });
    if (!ctx.cancelled()) shared::store_core(block, padded, light);
  }
};
}  // namespace

VOXFLOW_KERNEL(Wiener)
