// segment.threshold: foreground is what lies above a value, given or found by Otsu's criterion over the whole volume.
#include <optional>
#include <string>

#include "kernels/shared/histogram.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;

struct ThresholdParams {
  std::string method = "otsu";
  std::optional<double> value;
};

class Threshold {
 public:
  using Params = ThresholdParams;
  using Survey = shared::Histogram;

  static void describe(KernelSchema<Params>& k) {
    k.name("segment.threshold").version(1);
    k.summary("Voxels above a threshold: Otsu's, found over each whole volume, or a given one.");
    k.source("doi:10.1109/TSMC.1979.4310076");
    k.input("image", any_real).doc("What to segment.");
    k.output("mask", mask).doc("1 above the threshold; all 0 where an image is constant.");
    k.param(&Params::method, "method").choices({"otsu", "fixed"}).doc("How the threshold is found.");
    k.param(&Params::value, "value")
        .range(-1e30, 1e30)
        .doc("The threshold of method `fixed`, in the image's intensities; itself background.");
    k.each(t, c).blockwise(Blockwise::exact).nan(NanPolicy::ignored);
  }

  void check(const Params& p) const {
    if (p.method == "fixed" && !p.value)
      throw UserError("method is fixed, but value is not set; set value, or take method: otsu");
    if (p.method != "fixed" && p.value)
      throw UserError("value is set, but method is " + p.method + "; take method: fixed, or leave value out");
  }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    return shared::histogram_bytes(static_cast<std::size_t>(count(extent)));
  }

  Survey survey(const Params& p, const Block& block, Context& ctx) const {
    return p.value ? Survey() : Survey(block.input(), ctx);
  }
  void merge(Survey& into, const Survey& next) const { into.add(next); }

  void run(const Params& p, const Survey& histogram, const Block& block, Context& ctx) const {
    if (p.value) {
      mark(block, ctx, [value = *p.value](float v) { return v > value; });
    } else {
      const auto bin = shared::otsu_bin(histogram);
      mark(block, ctx, [&](float v) { return bin && v == v && shared::bin_of(v) > *bin; });
    }
  }

 private:
  template <class IsForeground>
  static void mark(const Block& block, const Context& ctx, IsForeground is_foreground) {
    const auto in = block.input();
    const auto out = block.output<std::uint8_t>("mask");
    const auto [nz, ny, nx] = out.shape();
    for (Index z = 0; z < nz && !ctx.cancelled(); ++z)
      for (Index y = 0; y < ny; ++y)
        for (Index x = 0; x < nx; ++x) out(z, y, x) = is_foreground(in(z, y, x)) ? 1 : 0;
  }
};
}  // namespace

VOXFLOW_KERNEL(Threshold)
