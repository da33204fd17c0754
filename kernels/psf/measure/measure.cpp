// psf.measure: how a microscope blurs, from images of beads smaller than it resolves.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/psf/measure/beads.hpp"
#include "kernels/shared/smooth.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::literals;
using beads::Bead, beads::Fate;

struct MeasureParams {
  std::array<Micrometres, 3> extent{1.2_um, 0.5_um, 0.5_um};
  double threshold = 0.2;
  std::optional<double> saturation;
};

struct Measured {
  Grid grid;
  std::vector<double> sum;
  std::vector<Bead> beads;
  void encode(ByteWriter& out) const { out.put(grid).put(sum).put(beads); }
  static Measured decode(ByteReader& in) {
    Measured m;
    m.grid = in.get<Grid>(), m.sum = in.get_vector<double>(), m.beads = in.get_vector<Bead>();
    return m;
  }
};

constexpr int kClipped = 4;  // voxels of one bead that share the highest intensity

Index3 half_of(const MeasureParams& p, const Grid& image) {
  Index3 half{};
  for (std::size_t i = 0; i < 3; ++i)
    if (image.shape[i] > 1) half[i] = std::max<Index>(2, std::lround(p.extent[i].value / image.spacing[i].value));
  return half;
}

class Measure {
 public:
  using Params = MeasureParams;
  using State = Grid;
  using Survey = Measured;

  static void describe(KernelSchema<Params>& k) {
    k.name("psf.measure").version(2);
    k.summary("The point spread function of a microscope, from an image of beads.");
    k.source("doi:10.1038/nprot.2011.407").source("doi:10.1109/TASSP.1981.1163711");
    k.input("image", any_real)
        .doc("Beads smaller than the microscope resolves, far from each other. Beads of all timepoints count.");
    k.output("psf", psf)
        .doc(
            "One for each channel, of the image's spacing: the mean of the beads, each moved to its centre of light "
            "and "
            "without the background around it; brighter ones count more. Sums to 1.");
    k.output("beads", table)
        .doc(
            "One row a peak: where it is, how high, and whether it was used: `used`, `touching`, `at_face`, "
            "`saturated`.");
    k.param(&Params::extent, "extent")
        .range(0.01_um, 50.0_um)
        .doc(
            "Half-widths (z, y, x) of the PSF. Beads of which another one lies within one and a quarter of it touch "
            "and are "
            "left out, and so are those that are nearer to a face.");
    k.param(&Params::threshold, "threshold")
        .range(0.01, 1.0)
        .doc("Peaks of less than this part of the highest one are no beads.");
    k.param(&Params::saturation, "saturation")
        .range(0.0, 1e30)
        .doc(
            "Beads with voxels from this intensity on are clipped and left out. Unset: those with more than three "
            "voxels of the volume's highest intensity.");
    k.all(t).each(c).blockwise(Blockwise::volume).nan(NanPolicy::refused);
  }

  State prepare(const Params&, const Geometry& geometry) const { return geometry.grid; }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    // The smoothed copy and that of which the median is taken; and a PSF as large as the volume.
    return static_cast<std::size_t>(count(extent)) * (2 * sizeof(float) + 2 * sizeof(double)) +
           shared::smooth_bytes(extent);
  }

  Survey survey(const Params& p, const State& image, const Block& block, Context& ctx) const {
    beads::Search search{half_of(p, image), p.threshold, static_cast<float>(p.saturation.value_or(0)), 1};
    Measured m;
    for (std::size_t i = 0; i < 3; ++i) m.grid.shape[i] = 2 * search.half_voxels[i] + 1;
    m.grid.spacing = image.spacing;
    m.sum.assign(static_cast<std::size_t>(count(m.grid.shape)), 0.0);
    for (std::size_t t = 0; t < block.slices(); ++t) {
      const auto volume = block.input("image", t);
      if (!p.saturation) {
        search.saturation = *std::max_element(volume.data(), volume.data() + count(volume.shape()));
        search.clipped_voxels = kClipped;
      }
      for (Bead& bead : beads::find(volume, search, ctx)) {
        bead.timepoint = static_cast<std::int32_t>(block.place("image", t).t);
        if (bead.fate == Fate::used) beads::add(volume, bead, search.half_voxels, m.sum);
        m.beads.push_back(bead);
      }
    }
    if (!ctx.cancelled()) check_used(m.beads);
    return m;
  }
  void merge(Survey&, const Survey&) const {}  // there is one block

  SmallValues emit(const Params& p, const State& image, const Survey& m, const Slice&) const {
    return {{"psf", Psf{m.grid, beads::as_psf(m.sum, half_of(p, image))}}, {"beads", table_of(m, image)}};
  }

 private:
  static void check_used(const std::vector<Bead>& found) {
    const auto number = [&](Fate fate) {
      return std::count_if(found.begin(), found.end(), [&](const Bead& b) { return b.fate == fate; });
    };
    if (number(Fate::used) > 0) return;
    if (found.empty())
      throw UserError(
          "the image is even, or its peaks do not stand out of the noise by eight standard deviations; choose an image "
          "of beads");
    throw UserError(fmt::format(
        "none of {} peaks is a bead that stands alone: {} touch another one, {} are too near a face, {} are saturated; "
        "take an image of fewer beads, or a smaller extent, or a higher threshold where peaks are noise",
        found.size(), number(Fate::touching), number(Fate::at_face), number(Fate::saturated)));
  }

  static Table table_of(const Measured& m, const Grid& image) {
    std::array<std::vector<double>, 3> um;
    std::vector<double> height;
    std::vector<std::int64_t> timepoint;
    std::vector<std::string> fate;
    constexpr std::array<const char*, 4> kFates{"used", "touching", "at_face", "saturated"};
    for (const Bead& b : m.beads) {
      for (std::size_t i = 0; i < 3; ++i) um[i].push_back(b.centre[i] * image.spacing[i].value);
      height.push_back(b.height), timepoint.push_back(b.timepoint);
      fate.emplace_back(kFates[static_cast<std::size_t>(b.fate)]);
    }
    Table table;
    table.add({"z", "um", um[kZ]}), table.add({"y", "um", um[kY]}), table.add({"x", "um", um[kX]});
    table.add({"height", "", height}), table.add({"at_timepoint", "", timepoint}), table.add({"fate", "", fate});
    return table;
  }
};
}  // namespace

VOXFLOW_KERNEL(Measure)
