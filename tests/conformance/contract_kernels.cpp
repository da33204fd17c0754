#include "tests/conformance/contract_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

namespace voxflow::test {

namespace {
template <class F>
void for_each_voxel(const Index3& shape, const Context& ctx, F&& f) {
  for (Index z = 0; z < shape[kZ] && !ctx.cancelled(); ++z)
    for (Index y = 0; y < shape[kY]; ++y)
      for (Index x = 0; x < shape[kX]; ++x) f(z, y, x);
}

// A PSF, prepare, halo, border extend.
struct Convolve {
  struct Params {};
  using State = Psf;
  static void describe(KernelSchema<Params>& k) {
    k.name("test.convolve").version(1).summary("Convolves.").nan(NanPolicy::propagates);
    k.input("image", any_real).border(Border::extend).doc("In.");
    k.input("psf", psf).doc("At most 3 x 5 x 5.");
    k.output("image", float_image).doc("Out.");
  }
  Halo halo(const Params&, const Grid&) const { return Halo::symmetric({1, 2, 2}); }
  State prepare(const Params&, const Geometry& g) const { return g.small_input<Psf>("psf"); }
  void run(const Params&, const State& psf_in, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const auto out = block.output();
    const VolumeView<const float> w(psf_in.voxels.data(), psf_in.grid.shape);
    for_each_voxel(out.shape(), ctx, [&](Index z, Index y, Index x) {
      float sum = 0;
      for (Index dz = 0; dz < 3; ++dz)
        for (Index dy = 0; dy < 5; ++dy)
          for (Index dx = 0; dx < 5; ++dx) sum += w(dz, dy, dx) * in(z + dz, y + dy, x + dx);
      out(z, y, x) = sum;
    });
  }
};

// An output grid of its own, and a footprint.
struct Halve {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.halve").version(1).summary("Every second voxel.").nan(NanPolicy::ignored);
    k.input("image", any_real).doc("In.");
    k.output("image", same_as("image")).doc("Out.");
  }
  Grid output_grid(const Params&, const Geometry& g) const {
    Grid half = g.grid;
    for (std::size_t i = 0; i < 3; ++i) half.shape[i] = (half.shape[i] + 1) / 2, half.spacing[i].value *= 2;
    return half;
  }
  Box3 footprint(const Params&, const Box3& core, const Slice&, const Grid&) const {
    Box3 box;
    for (std::size_t i = 0; i < 3; ++i) box.origin[i] = 2 * core.origin[i], box.extent[i] = 2 * core.extent[i] - 1;
    return box;
  }
  void run(const Params&, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const auto out = block.output();
    for_each_voxel(out.shape(), ctx, [&](Index z, Index y, Index x) {
      const float v = in(2 * z, 2 * y, 2 * x);
      out(z, y, x) = std::isnan(v) ? 0 : v;
    });
  }
};

// All timepoints in one call, border mirror.
struct Detrend {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.detrend").version(1).summary("Minus the mean over time.").nan(NanPolicy::propagates).all(t);
    k.input("image", any_real).border(Border::mirror).doc("In.");
    k.output("image", float_image).doc("Out.");
  }
  void run(const Params&, const Block& block, Context& ctx) const {
    const std::size_t n = block.slices();
    for_each_voxel(block.core.extent, ctx, [&](Index z, Index y, Index x) {
      float sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += block.input("image", i)(z, y, x);
      for (std::size_t i = 0; i < n; ++i)
        block.output("image", i)(z, y, x) = block.input("image", i)(z, y, x) - sum / static_cast<float>(n);
    });
  }
};

// All channels in one call, two outputs, a choice.
struct Unmix {
  struct Params {
    std::string keep = "first";
  };
  static void describe(KernelSchema<Params>& k) {
    k.name("test.unmix").version(1).summary("Channels apart.").nan(NanPolicy::propagates).all(c);
    k.input("image", any_real).doc("In.");
    k.output("image", float_image).doc("Out.");
    k.output("mask", mask).doc("Where it is brighter than the mean of the channels.");
    k.param(&Params::keep, "keep").choices({"first", "all"}).doc("Which channels are taken from the others.");
  }
  void run(const Params& p, const Block& block, Context& ctx) const {
    for_each_voxel(block.core.extent, ctx, [&](Index z, Index y, Index x) {
      const float first = block.input("image", 0)(z, y, x);
      for (std::size_t i = 0; i < block.slices(); ++i) {
        const float v = block.input("image", i)(z, y, x);
        block.output("image", i)(z, y, x) = p.keep == "all" || i == 0 ? v : v - 0.1F * first;
        block.output<std::uint8_t>("mask", i)(z, y, x) = v > first ? 1 : 0;
      }
    });
  }
};

// Blocks differ a little: a recursive filter whose start is not seen.
struct Recursive {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.recursive").version(1).summary("Exponential average along x.").nan(NanPolicy::propagates);
    k.input("image", any_real).border(Border::extend).doc("In.");
    k.output("image", float_image).doc("Out.");
    k.blockwise_within(1e-4);
  }
  Halo halo(const Params&, const Grid&) const { return {{0, 0, 15}, {0, 0, 0}}; }
  void run(const Params&, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const auto out = block.output();
    for_each_voxel({out.shape()[kZ], out.shape()[kY], 1}, ctx, [&](Index z, Index y, Index) {
      const float* row = in.row(z, y);
      float v = row[0];
      for (Index x = 0; x < in.shape()[kX]; ++x) {
        v = 0.5F * v + 0.5F * row[x];
        if (x >= 15) out(z, y, x - 15) = v;
      }
    });
  }
};

// The whole volume with threads, and scratch memory.
struct Accumulate {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.accumulate").version(1).summary("Running sum along z.").nan(NanPolicy::propagates);
    k.input("image", any_real).doc("In.");
    k.output("image", float_image).doc("Out.");
    k.blockwise(Blockwise::volume);
  }
  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    return static_cast<std::size_t>(count(extent)) * sizeof(double);
  }
  void run(const Params&, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const auto out = block.output();
    const Index3& shape = in.shape();
    std::vector<double> sums(static_cast<std::size_t>(count(shape)));
    const VolumeView<double> sum(sums.data(), shape);
    const auto work = [&](Index first, Index step) {
      for (Index z = 0; z < shape[kZ] && !ctx.cancelled(); ++z)
        for (Index y = first; y < shape[kY]; y += step)
          for (Index x = 0; x < shape[kX]; ++x) {
            sum(z, y, x) = in(z, y, x) + (z > 0 ? sum(z - 1, y, x) : 0);
            out(z, y, x) = static_cast<float>(sum(z, y, x));
          }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < ctx.threads(); ++i) threads.emplace_back(work, i, ctx.threads());
    for (std::thread& thread : threads) thread.join();
  }
};

// Labels, mask and table in; table, transform and PSF out, from a survey.
struct Census {
  struct Params {};
  struct Survey {
    std::int64_t voxels, sum_z;
  };
  static void describe(KernelSchema<Params>& k) {
    k.name("test.census").version(1).summary("Counts.");
    k.input("labels", labels).doc("Objects.");
    k.input("mask", mask).doc("Where.");
    k.input("table", table).optional().doc("Not looked at.");
    k.output("counts", table).doc("Counts.");
    k.output("shift", transform).doc("To the centre.");
    k.output("spot", psf).doc("A spot.");
  }
  Survey survey(const Params&, const Block& block, Context& ctx) const {
    Survey s{};
    const auto in = block.input<std::uint32_t>("labels");
    const auto where = block.input<std::uint8_t>("mask");
    for_each_voxel(in.shape(), ctx, [&](Index z, Index y, Index x) {
      if (in(z, y, x) % 2 == 1 && where(z, y, x) == 1) ++s.voxels, s.sum_z += z + block.core.origin[kZ];
    });
    return s;
  }
  void merge(Survey& into, const Survey& next) const { into.voxels += next.voxels, into.sum_z += next.sum_z; }
  SmallValues emit(const Params&, const Survey& s, const Slice& slice) const {
    Table counts;
    counts.add({"voxels", "", std::vector<std::int64_t>{s.voxels}});
    Affine3 shift;
    shift.translation_um[kZ] = static_cast<double>(s.sum_z) / static_cast<double>(std::max<std::int64_t>(1, s.voxels));
    return {{"counts", counts},
            {"shift", TransformSet{{{slice.t, slice.c, shift}}}},
            {"spot", Psf{{{1, 1, 1}, {}}, {1.0F}}}};
  }
};

// Labels grow into the background: border extend on labels, and an output like its input.
struct Grow {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.grow").version(1).summary("Labels one voxel wider in x.");
    k.input("labels", labels).border(Border::extend).doc("In.");
    k.output("labels", same_as("labels")).doc("Out.");
  }
  Halo halo(const Params&, const Grid&) const { return Halo::symmetric({0, 0, 1}); }
  void run(const Params&, const Block& block, Context& ctx) const {
    const auto in = block.input<std::uint32_t>("labels");
    const auto out = block.output<std::uint32_t>("labels");
    for_each_voxel(out.shape(), ctx, [&](Index z, Index y, Index x) {
      const std::uint32_t here = in(z, y, x + 1);
      out(z, y, x) = here != 0 ? here : std::max(in(z, y, x), in(z, y, x + 2));
    });
  }
};

// Looks at groups of slices: neighbouring timepoints of each channel. Where nothing varies it has nothing to measure.
struct Flicker {
  struct Params {};
  struct Survey {
    std::vector<double> changes;
    void encode(ByteWriter& out) const { out.put(changes); }
    static Survey decode(ByteReader& in) { return {in.get_vector<double>()}; }
  };
  static void describe(KernelSchema<Params>& k) {
    k.name("test.flicker").version(1).summary("Changes between timepoints.").nan(NanPolicy::refused);
    k.input("image", any_real).doc("In.");
    k.output("changes", table).doc("Out.");
    k.all(t, c).in_groups().blockwise(Blockwise::volume);
  }
  std::vector<SliceGroup> groups(const Params&, const SliceAxes& axes) const {
    std::vector<SliceGroup> pairs;
    for (const int channel : axes.channels)
      for (std::size_t i = 0; i < axes.timepoints.size(); ++i)
        pairs.push_back({{axes.timepoints[0], channel}, {axes.timepoints[i], channel}});
    return pairs;
  }
  std::size_t scratch_bytes(const Params&, const Index3&) const { return 0; }
  Survey survey(const Params&, const Block& block, Context& ctx) const {
    const auto a = block.input("image", 0), b = block.input("image", 1);
    if (count(a.shape()) == 1) throw UserError("one voxel does not flicker");
    double sum = 0;
    for_each_voxel(a.shape(), ctx, [&](Index z, Index y, Index x) {
      sum += std::abs(static_cast<double>(a(z, y, x)) - b(z, y, x)) * (1 + block.place("image", 1).t);
    });
    return {{sum}};
  }
  void merge(Survey& into, const Survey& next) const {
    into.changes.insert(into.changes.end(), next.changes.begin(), next.changes.end());
  }
  SmallValues emit(const Params&, const Survey& survey, const Slice&) const {
    Table rows;
    rows.add({"change", "", survey.changes});
    return {{"changes", rows}};
  }
};

// Refuses NaN, which the runner finds.
struct Strict {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.strict").version(1).summary("Negative.").nan(NanPolicy::refused);
    k.input("image", any_real).doc("In.");
    k.output("image", float_image).doc("Out.");
  }
  void run(const Params&, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const auto out = block.output();
    for_each_voxel(out.shape(), ctx, [&](Index z, Index y, Index x) { out(z, y, x) = -in(z, y, x); });
  }
};
}  // namespace

void add_contract_kernels(plugins::Registry& registry) {
  registry.add(make_kernel<Convolve>());
  registry.add(make_kernel<Halve>());
  registry.add(make_kernel<Detrend>());
  registry.add(make_kernel<Unmix>());
  registry.add(make_kernel<Recursive>());
  registry.add(make_kernel<Accumulate>());
  registry.add(make_kernel<Census>());
  registry.add(make_kernel<Grow>());
  registry.add(make_kernel<Flicker>());
  registry.add(make_kernel<Strict>());
}

}  // namespace voxflow::test
