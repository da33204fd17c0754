// deconvolve.richardson_lucy: the most likely light for photon noise, by FFTs of one block with its border.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/deconvolve/richardson_lucy/iterations.hpp"
#include "kernels/shared/deconvolution.hpp"
#include "pipeline/sdk/findings.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::richardson_lucy;
using shared::Convolution;

struct RichardsonLucyParams : shared::BlurredParams {
  std::string back_projector = "wiener_butterworth";
  std::optional<int> iterations;
  std::optional<double> tv;
  bool accelerated = false;

  bool is_matched() const { return back_projector == "matched"; }
};

struct FilterKey {
  Index3 shape;
  std::optional<WienerButterworth> back_projector;
  friend bool operator==(const FilterKey&, const FilterKey&) = default;
};
using Blurring = shared::KnownBlur<FilterKey, Filters>;

// Beyond the PSF's half-width; with it blocks differ from the whole by less than the declared tolerance.
constexpr Index kSettling_voxels = 14;
// Margins of 30 voxels around 2 Mi of them would more than triple them.
constexpr Index kBlock_voxels = Index{8} << 20;
constexpr int kFew = 5, kMany = 25, kManyAccelerated = 15;
constexpr int kMostWiener = 10;  // beyond, blocks would differ from the whole by more than is declared

// The weight of the total variation: more noise, more of it; next to none where there is none to hold down.
double weight_for(double signal_to_noise) {
  return std::min({0.12, 0.18 * std::pow(signal_to_noise, -0.7), 15 / (signal_to_noise * signal_to_noise)});
}

// Where nothing holds the noise down it grows with the iterations: no more of them than the signal bears.
int iterations_for(double signal_to_noise, bool accelerated) {
  const double n = accelerated ? 1.5 * signal_to_noise : signal_to_noise * signal_to_noise / 2;
  return static_cast<int>(std::lround(std::clamp(n, 8.0, 200.0)));
}

Settings settings_of(const RichardsonLucyParams& p, double signal_to_noise) {
  Settings s;
  s.background = static_cast<float>(p.background);
  s.saturation = p.saturation ? static_cast<float>(*p.saturation) : std::numeric_limits<float>::infinity();
  s.tv = p.tv ? *p.tv : weight_for(signal_to_noise);
  s.accelerated = p.accelerated;
  const bool stops = p.is_matched() && s.tv == 0;
  s.iterations = p.iterations      ? *p.iterations
                 : stops           ? iterations_for(signal_to_noise, p.accelerated)
                 : !p.is_matched() ? kFew
                 : p.accelerated   ? kManyAccelerated
                                   : kMany;
  return s;
}

class RichardsonLucy {
 public:
  using Params = RichardsonLucyParams;
  using State = std::shared_ptr<const Blurring>;
  using Survey = shared::NoiseSurvey;

  static void describe(KernelSchema<Params>& k) {
    k.name("deconvolve.richardson_lucy").version(5);
    k.summary("Takes the blur of the microscope out of an image by Richardson-Lucy iterations that hold noise down.");
    k.source("doi:10.1364/JOSA.62.000055")
        .source("doi:10.1086/111605")
        .source("doi:10.1002/jemt.20294")
        .source("doi:10.1038/s41587-020-0560-x")
        .source("doi:10.1109/TIP.2013.2291324");
    shared::declare_blurred(k);
    k.param(&Params::back_projector, "back_projector")
        .choices({"wiener_butterworth", "matched"})
        .doc(
            "How errors are brought back into the estimate: by a Wiener filter that is cut off at the blur's "
            "resolution, "
            "which needs a tenth of the iterations; or by the blur itself, as Richardson and Lucy did.");
    k.param(&Params::iterations, "iterations")
        .range(1, 200)
        .doc(
            "At most 10 with `wiener_butterworth`. The last one is always matched and without total variation, which "
            "keeps the light. Unset: 5; `matched`: 25, "
            "15 when accelerated; `matched` without total variation: as many as the signal-to-noise bears.");
    k.param(&Params::tv, "tv")
        .range(0.0, 0.2)
        .doc(
            "Weight of the total variation, which holds noise down and keeps edges; 0: none. Unset: by the "
            "signal-to-noise, at most 0.12.");
    k.param(&Params::accelerated, "accelerated")
        .doc("Goes on in each iteration's direction. Of `matched`, with total variation or `iterations` unset.");
    k.each(t, c).blockwise_within(1e-3).block_voxels(kBlock_voxels).nan(NanPolicy::refused);
  }

  void check(const Params& p) const {
    shared::check_blur(p.psf);
    if (!p.is_matched() && p.iterations.value_or(0) > kMostWiener)
      throw UserError(fmt::format(
          "iterations is {}, allowed is {} at most with back_projector wiener_butterworth, which needs about {}; take "
          "fewer, or back_projector: matched",
          *p.iterations, kMostWiener, kFew));
    if (!p.accelerated) return;
    if (!p.is_matched())
      throw UserError(
          "accelerated is set, but back_projector is wiener_butterworth, which needs few iterations as it is; leave it "
          "out, or take back_projector: matched");
    if (p.tv == 0 && p.iterations)
      throw UserError(fmt::format(
          "accelerated iterations without total variation diverge, and {} of them are asked for; leave out iterations, "
          "or tv: 0",
          *p.iterations));
  }
  void check(const Params& p, const Geometry& geometry) const { shared::check_blur(p.psf, geometry); }

  State prepare(const Params& p, const Geometry& geometry) const {
    static shared::Recent<std::string, Blurring> recent(4);
    return shared::lease(recent, p.psf, geometry);
  }

  Box3 footprint(const Params&, const State& blurring, const Box3& core, const Slice&, const Grid& grid) const {
    return shared::blurred_box(blurring->blur(), kSettling_voxels, core, grid);
  }

  std::size_t scratch_bytes(const Params& p, const Index3& extent) const {
    const Index3 padded = shared::fast_shape(extent);
    // Data and spectra, and what it takes to make these.
    const std::size_t spectra = p.is_matched() ? 1 : 2;
    return (spectra + 2) * Convolution::buffer_bytes(padded) + iterations_bytes(padded, p.accelerated) +
           shared::noise_survey_bytes(extent);
  }

  Survey survey(const Params&, const State&, const Block& block, Context& ctx) const { return {block, ctx}; }
  void merge(Survey& into, const Survey& next) const { into.add(next); }
  SmallValues emit(const Params& p, const State&, const Survey& survey, const Slice&) const {
    const double signal_to_noise = shared::signal_to_noise(p, survey);
    const Settings settings = settings_of(p, signal_to_noise);
    Table row;
    row.add({"signal_to_noise", "", std::vector<double>{signal_to_noise}});
    row.add({"iterations", "", std::vector<std::int64_t>{settings.iterations}});
    row.add({"tv", "", std::vector<double>{settings.tv}});
    return {{kFindings, std::move(row)}};
  }

  void run(const Params& p, const State& blurring, const Survey& survey, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const double signal_to_noise = shared::signal_to_noise(p, survey);
    FilterKey key{shared::fast_shape(in.shape()), std::nullopt};
    if (!p.is_matched()) key.back_projector = wiener_butterworth(signal_to_noise);
    const auto filters = blurring->filters().get(
        key, [&] { return std::make_shared<const Filters>(blurring->blur(), key.shape, key.back_projector); });
    const Convolution& padded = filters->convolution;
    const shared::FftBuffer data = padded.buffer();
    const float highest = shared::load(in, padded, data, ctx);
    const Domain domain{in.shape(), blurring->blur().margin()};
    const auto estimate =
        deconvolve(data, highest, domain, *filters, settings_of(p, signal_to_noise), block.grid.spacing, ctx);
    if (!ctx.cancelled()) shared::store_core(block, padded, estimate);
  }
};
}  // namespace

VOXFLOW_KERNEL(RichardsonLucy)
