// measure.objects: one table row for each label, with the columns of MoBIE first.
#include <fmt/format.h>

#include "kernels/measure/objects/accumulator.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using objects::Intensity;
using objects::Object;

struct ObjectsParams {};

constexpr std::array<std::string_view, 3> kAxisNames{"z", "y", "x"};

class MeasureObjects {
 public:
  using Params = ObjectsParams;
  using State = Spacing3;
  using Survey = objects::Objects;

  static void describe(KernelSchema<Params>& k) {
    k.name("measure.objects").version(1);
    k.summary("Size, place and intensities of every labelled object, one row each.");
    k.input("labels", labels).doc("Objects, in one channel; 0 is background.");
    k.input("intensity", any_real).optional().doc("Image of the same shape; every channel is measured.");
    k.output("objects", table)
        .doc(
            "By label: `label_id`, centroid `anchor_*` and bounding box `bb_min_*`, `bb_max_*` in um (voxel index "
            "times "
            "spacing; the box ends behind its last voxel), `volume` in um3, `voxels`; for each channel i `mean_ci`, "
            "`min_ci`, "
            "`max_ci`, `sd_ci` (divided by the number of voxels) and `sum_ci` over the finite voxels.");
    k.each(t).all(c).blockwise(Blockwise::exact).nan(NanPolicy::ignored);
  }

  State prepare(const Params&, const Geometry& geometry) const {
    const auto intensity = geometry.grids.find("intensity");
    if (intensity != geometry.grids.end() && intensity->second.shape != geometry.grid.shape)
      throw UserError(fmt::format("labels have {} voxels (z, y, x), the intensity image {}; measure them on one grid",
                                  fmt::join(geometry.grid.shape, " x "), fmt::join(intensity->second.shape, " x ")));
    return geometry.grid.spacing;
  }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    // Room for an object in every 256 voxels, measured in two channels: many more than cells, fewer than specks of
    // noise.
    constexpr std::size_t kObject_bytes = sizeof(std::pair<std::uint32_t, Object>) + 2 * sizeof(Intensity) + 64;
    return static_cast<std::size_t>(count(extent)) * kObject_bytes / 256;
  }

  Survey survey(const Params&, const State&, const Block& block, Context& ctx) const {
    if (block.slices("labels") != 1)
      throw UserError(
          fmt::format("labels have {} channels; narrow the step to one with 'channels:'", block.slices("labels")));
    std::vector<VolumeView<const float>> channels;
    for (std::size_t i = 0; i < block.slices("intensity"); ++i) channels.push_back(block.input("intensity", i));
    return Survey(block.input<std::uint32_t>("labels"), block.box("labels").origin, channels, ctx);
  }
  void merge(Survey& into, const Survey& next) const { into.add(next); }

  SmallValues emit(const Params&, const State& spacing, const Survey& found, const Slice&) const {
    Table rows;
    std::vector<std::int64_t> label_ids;
    for (const auto& [label, object] : found.by_label()) label_ids.push_back(label);
    rows.add({"label_id", "", std::move(label_ids)});
    const auto add_by_axis = [&](std::string_view name, auto&& voxels_of) {
      for (std::size_t axis = 0; axis < 3; ++axis)
        rows.add(column(fmt::format("{}_{}", name, kAxisNames[axis]), "um", found,
                        [&](const Object& o) { return voxels_of(o, axis) * spacing[axis].value; }));
    };
    add_by_axis("anchor", [](const Object& o, std::size_t axis) {
      return static_cast<double>(o.coordinate_sum[axis]) / static_cast<double>(o.voxels);
    });
    add_by_axis("bb_min", [](const Object& o, std::size_t axis) { return static_cast<double>(o.low[axis]); });
    add_by_axis("bb_max", [](const Object& o, std::size_t axis) { return static_cast<double>(o.high[axis] + 1); });
    const double voxel_um3 = spacing[kZ].value * spacing[kY].value * spacing[kX].value;
    rows.add(
        column("volume", "um3", found, [&](const Object& o) { return static_cast<double>(o.voxels) * voxel_um3; }));
    std::vector<std::int64_t> voxels;
    for (const auto& [label, object] : found.by_label()) voxels.push_back(object.voxels);
    rows.add({"voxels", "", std::move(voxels)});
    for (std::size_t i = 0; i < found.channels(); ++i) add_intensity(rows, found, i);
    return {{"objects", std::move(rows)}};
  }

 private:
  template <class F>
  static Column column(std::string name, std::string unit, const Survey& found, F&& value) {
    std::vector<double> values;
    for (const auto& [label, object] : found.by_label()) values.push_back(value(object));
    return {std::move(name), std::move(unit), std::move(values)};
  }

  static void add_intensity(Table& rows, const Survey& found, std::size_t channel) {
    const auto add = [&](std::string_view name, auto&& value) {
      rows.add(column(fmt::format("{}_c{}", name, channel), "", found, [&](const Object& o) {
        const Intensity& i = o.channels[channel];
        return i.count > 0 ? static_cast<double>(value(i)) : std::numeric_limits<double>::quiet_NaN();
      }));
    };
    add("mean", [](const Intensity& i) { return i.mean(); });
    add("min", [](const Intensity& i) { return i.min; });
    add("max", [](const Intensity& i) { return i.max; });
    add("sd", [](const Intensity& i) { return i.standard_deviation(); });
    add("sum", [](const Intensity& i) { return i.sum.value(); });
  }
};
}  // namespace

VOXFLOW_KERNEL(MeasureObjects)
