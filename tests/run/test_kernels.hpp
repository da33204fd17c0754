// Small kernels that use every part of the kernel contract; each has a plain answer that tests can compute themselves.
#pragma once
#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

#include "pipeline/sdk/kernel.hpp"

namespace voxflow::test {

struct RadiusParams {
  int radius = 2;
};

/// Largest voxel within `radius` on every axis, mirrored at the border: exact.
struct Dilate {
  using Params = RadiusParams;
  static void describe(KernelSchema<Params>& k) {
    k.name("test.dilate").version(1).summary("Largest voxel of a box.").nan(NanPolicy::propagates);
    k.input("image", any_real).border(Border::mirror);
    k.output("image", same_as("image"));
    k.param(&Params::radius, "radius").range(0, 50).doc("Half-width of the box.");
  }
  Halo halo(const Params& p, const Grid&) const { return Halo::symmetric({p.radius, p.radius, p.radius}); }
  void run(const Params& p, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const auto out = block.output();
    const Index r = p.radius;
    for (Index z = 0; z < out.shape()[kZ]; ++z) {
      if (ctx.cancelled()) return;
      for (Index y = 0; y < out.shape()[kY]; ++y)
        for (Index x = 0; x < out.shape()[kX]; ++x) {
          float v = in(z, y, x);
          for (Index dz = 0; dz <= 2 * r; ++dz)
            for (Index dy = 0; dy <= 2 * r; ++dy)
              for (Index dx = 0; dx <= 2 * r; ++dx) v = std::max(v, in(z + dz, y + dy, x + dx));
          out(z, y, x) = v;
        }
    }
  }
};

struct ScaleParams {
  double factor = 1;
};

/// Every voxel times `factor`, in the input's voxel type; refuses NaN.
struct Scale {
  using Params = ScaleParams;
  static void describe(KernelSchema<Params>& k) {
    k.name("test.scale").version(1).summary("Voxels times a factor.").nan(NanPolicy::refused);
    k.input("image", any_real);
    k.output("image", same_as("image"));
    k.param(&Params::factor, "factor").range(-1000.0, 1000.0).doc("The factor.");
  }
  void run(const Params& p, const Block& block, Context&) const {
    const auto in = block.input();
    const auto out = block.output();
    for (Index i = 0; i < count(out.shape()); ++i) out.data()[i] = in.data()[i] * static_cast<float>(p.factor);
  }
};

struct NoParams {};

/// Voxels above the mean of the volume, which a survey finds: survey to mask, and the mean as a table.
struct AboveMean {
  using Params = NoParams;
  struct Survey {
    double sum = 0;
    std::int64_t voxels = 0;
  };
  static void describe(KernelSchema<Params>& k) {
    k.name("test.above_mean").version(1).summary("Voxels above the mean.").nan(NanPolicy::ignored);
    k.input("image", any_real);
    k.output("mask", mask);
    k.output("mean", table);
  }
  Survey survey(const Params&, const Block& block, Context&) const {
    Survey s;
    const auto in = block.input();
    for (Index i = 0; i < count(in.shape()); ++i) s.sum += in.data()[i];
    s.voxels = count(in.shape());
    return s;
  }
  void merge(Survey& into, const Survey& next) const { into.sum += next.sum, into.voxels += next.voxels; }
  void run(const Params&, const Survey& s, const Block& block, Context&) const {
    const auto in = block.input();
    const auto out = block.output<std::uint8_t>("mask");
    for (Index i = 0; i < count(out.shape()); ++i) out.data()[i] = in.data()[i] > s.sum / static_cast<double>(s.voxels);
  }
  SmallValues emit(const Params&, const Survey& s, const Slice&) const {
    Table t;
    t.add({"mean", "", std::vector<double>{s.sum / static_cast<double>(s.voxels)}});
    return {{"mean", t}};
  }
};

/// Face-connected components of a mask, block by block.
struct Components {
  using Params = NoParams;
  static void describe(KernelSchema<Params>& k) {
    k.name("test.components").version(1).summary("Components of a mask.").blockwise(Blockwise::components);
    k.input("mask", mask);
    k.output("labels", labels);
  }
  Connectivity connectivity(const Params&) const { return Connectivity::faces; }
  void run(const Params&, const Block& block, Context&) const {
    const auto in = block.input<std::uint8_t>("mask");
    const auto out = block.output<std::uint32_t>("labels");
    const Index3 n = out.shape();
    std::uint32_t next = 0;
    for (Index z = 0; z < n[kZ]; ++z)
      for (Index y = 0; y < n[kY]; ++y)
        for (Index x = 0; x < n[kX]; ++x)
          if (in(z, y, x) != 0 && out(z, y, x) == 0) flood(in, out, {z, y, x}, ++next);
  }

 private:
  static void flood(VolumeView<const std::uint8_t> in, VolumeView<std::uint32_t> out, Index3 from,
                    std::uint32_t label) {
    std::deque<Index3> open{from};
    out(from[kZ], from[kY], from[kX]) = label;
    while (!open.empty()) {
      const Index3 p = open.front();
      open.pop_front();
      for (std::size_t axis = 0; axis < 3; ++axis)
        for (const Index step : {-1, 1}) {
          Index3 q = p;
          q[axis] += step;
          if (q[axis] < 0 || q[axis] >= out.shape()[axis] || in(q[kZ], q[kY], q[kX]) == 0 ||
              out(q[kZ], q[kY], q[kX]) != 0)
            continue;
          out(q[kZ], q[kY], q[kX]) = label;
          open.push_back(q);
        }
    }
  }
};

struct ShiftParams {
  int z = 1, y = 2, x = -3;
};

/// The image seen through a window half as wide and shifted, outermost voxels extended: footprint and output grid.
struct Shift {
  using Params = ShiftParams;
  static void describe(KernelSchema<Params>& k) {
    k.name("test.shift").version(1).summary("A shifted crop.").nan(NanPolicy::propagates);
    k.input("image", any_real).border(Border::extend);
    k.output("image", same_as("image"));
    k.param(&Params::z, "z").range(-100, 100).doc("Voxels along z.");
    k.param(&Params::y, "y").range(-100, 100).doc("Voxels along y.");
    k.param(&Params::x, "x").range(-100, 100).doc("Voxels along x.");
  }
  Grid output_grid(const Params&, const Geometry& g) const {
    Grid grid = g.grid;
    grid.shape[kX] = (grid.shape[kX] + 1) / 2;
    return grid;
  }
  Box3 footprint(const Params& p, const Box3& core, const Slice&, const Grid&) const {
    return {{core.origin[kZ] + p.z, core.origin[kY] + p.y, core.origin[kX] + p.x}, core.extent};
  }
  void run(const Params&, const Block& block, Context&) const { copy_voxels<float>(block.input(), block.output()); }
};

/// Voxels divided by the largest of the volume: the whole volume in one process.
struct Normalise {
  using Params = NoParams;
  static void describe(KernelSchema<Params>& k) {
    k.name("test.normalise").version(1).summary("Voxels over the largest.").nan(NanPolicy::ignored);
    k.input("image", any_real);
    k.output("image", float_image);
    k.blockwise(Blockwise::volume);
  }
  std::size_t scratch_bytes(const Params&, const Index3&) const { return 0; }
  void run(const Params&, const Block& block, Context&) const {
    const auto in = block.input();
    const auto out = block.output();
    const float top = *std::max_element(in.data(), in.data() + count(in.shape()));
    for (Index i = 0; i < count(out.shape()); ++i) out.data()[i] = in.data()[i] / top;
  }
};

/// Labels of voxel values that a volume kernel numbers itself, with gaps.
struct ValuesAsLabels {
  using Params = ScaleParams;
  static void describe(KernelSchema<Params>& k) {
    k.name("test.values").version(1).summary("Voxel values as labels.").nan(NanPolicy::refused);
    k.input("image", any_real);
    k.output("labels", labels);
    k.param(&Params::factor, "factor").range(0.0, 100000.0).doc("Distance between labels.");
  }
  void run(const Params& p, const Block& block, Context&) const {
    const auto in = block.input();
    const auto out = block.output<std::uint32_t>("labels");
    for (Index i = 0; i < count(out.shape()); ++i) out.data()[i] = static_cast<std::uint32_t>(in.data()[i] * p.factor);
  }
};

/// The largest over all channels, at every channel of the output.
struct ChannelMax {
  using Params = NoParams;
  static void describe(KernelSchema<Params>& k) {
    k.name("test.channel_max").version(1).summary("Largest over channels.").nan(NanPolicy::propagates);
    k.input("image", any_real);
    k.output("image", same_as("image"));
    k.all(c);
  }
  void run(const Params&, const Block& block, Context&) const {
    for (std::size_t to = 0; to < block.slices(); ++to) {
      const auto out = block.output("image", to);
      for (Index i = 0; i < count(out.shape()); ++i) {
        float v = -std::numeric_limits<float>::infinity();
        for (std::size_t from = 0; from < block.slices(); ++from) v = std::max(v, block.input("image", from).data()[i]);
        out.data()[i] = v;
      }
    }
  }
};

/// `image` plus `other` (when connected) plus z of the state's offset: two inputs, an optional one, a prepared state.
struct Add {
  using Params = NoParams;
  struct State {
    float offset = 0;
  };
  static void describe(KernelSchema<Params>& k) {
    k.name("test.add").version(1).summary("Sum of images.").nan(NanPolicy::propagates);
    k.input("image", any_real);
    k.input("other", any_real).optional();
    k.input("offset", transform).optional();
    k.output("sum", float_image);
  }
  State prepare(const Params&, const Geometry& g) const {
    return {g.small.contains("offset")
                ? static_cast<float>(g.small_input<TransformSet>("offset").at(0, 0).translation_um[kZ])
                : 0};
  }
  void run(const Params&, const State& s, const Block& block, Context&) const {
    const auto out = block.output("sum");
    for (Index i = 0; i < count(out.shape()); ++i) {
      out.data()[i] = block.input().data()[i] + s.offset;
      if (block.slices("other") > 0) out.data()[i] += block.input("other").data()[i];
    }
  }
};

/// Mean steps between neighbouring channels at each timepoint, found in groups of two slices; a row each, in order.
struct ChannelSteps {
  using Params = NoParams;
  struct Row {
    Slice from, to;
    double step = 0;
  };
  struct Survey {
    std::vector<Row> rows;
    void encode(ByteWriter& out) const { out.put(rows); }
    static Survey decode(ByteReader& in) { return {in.get_vector<Row>()}; }
  };
  static void describe(KernelSchema<Params>& k) {
    k.name("test.channel_steps").version(1).summary("Mean steps between channels.").nan(NanPolicy::refused);
    k.input("image", any_real);
    k.output("steps", table);
    k.all(t, c).in_groups().blockwise(Blockwise::volume);
  }
  std::vector<SliceGroup> groups(const Params&, const SliceAxes& axes) const {
    std::vector<SliceGroup> pairs;
    for (const int at : axes.timepoints)
      for (std::size_t i = 1; i < axes.channels.size(); ++i)
        pairs.push_back({{at, axes.channels[i - 1]}, {at, axes.channels[i]}});
    return pairs;
  }
  Survey survey(const Params&, const Block& block, Context&) const {
    const auto a = block.input("image", 0), b = block.input("image", 1);
    double sum = 0;
    for (Index i = 0; i < count(a.shape()); ++i) sum += static_cast<double>(b.data()[i]) - a.data()[i];
    return {{{block.place("image", 0), block.place("image", 1), sum / static_cast<double>(count(a.shape()))}}};
  }
  void merge(Survey& into, const Survey& next) const {
    into.rows.insert(into.rows.end(), next.rows.begin(), next.rows.end());
  }
  SmallValues emit(const Params&, const Survey& survey, const Slice&) const {
    std::vector<std::int64_t> timepoint, from, to;
    std::vector<double> step;
    for (const Row& r : survey.rows)
      timepoint.push_back(r.from.t), from.push_back(r.from.c), to.push_back(r.to.c), step.push_back(r.step);
    Table rows;
    rows.add({"at", "", timepoint});
    rows.add({"from", "", from});
    rows.add({"to", "", to});
    rows.add({"step", "", step});
    return {{"steps", rows}};
  }
};

}  // namespace voxflow::test
