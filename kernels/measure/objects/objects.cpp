// measure.objects: one table row for each label, with the columns of MoBIE first.
#include <fmt/format.h>

#include <numbers>

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
  using State = Grid;
  using Survey = objects::Objects;

  static void describe(KernelSchema<Params>& k) {
    k.name("measure.objects").version(3);
    k.summary("Size, place, shape and intensities of every labelled object, one row each.");
    k.source("doi:10.5566/ias.v26.p83-92");
    k.input("labels", labels).doc("Objects, in one channel; 0 is background.");
    k.input("intensity", any_real).optional().doc("Image of the same shape; every channel is measured.");
    k.output("objects", table)
        .doc(
            "By label: `label_id`, centroid `anchor_*` and bounding box `bb_min_*`, `bb_max_*` in um (voxel index "
            "times spacing; the box ends behind its last voxel), `volume` in um3, `voxels`; `major_axis`, "
            "`middle_axis`, `minor_axis` in um, the axes of the ellipsoid (in a single plane: the ellipse) with the "
            "same second moments, and the "
            "direction `major_z`, `major_y`, `major_x` of the longest; `surface_area` in um2 (Crofton, 13 directions; "
            "closed where a face of the volume cuts the object), `sphericity`, 1 for a ball; `touches_border`, 1 where "
            "the object reaches a face of the volume (those in z of a single plane do not count); for each channel i "
            "`mean_ci`, `min_ci`, `max_ci`, `sd_ci` (divided by the number of voxels) and `sum_ci` over the finite "
            "voxels.");
    k.each(t).all(c).blockwise(Blockwise::exact).nan(NanPolicy::ignored);
  }

  void check(const Params&, const Geometry& geometry) const {
    if (geometry.channels != 1)
      throw UserError(
          fmt::format("labels have {} channels; narrow the step to one with 'channels:'", geometry.channels));
    const auto intensity = geometry.grids.find("intensity");
    if (intensity != geometry.grids.end() && intensity->second.shape != geometry.grid.shape)
      throw UserError(fmt::format("labels have {} voxels (z, y, x), the intensity image {}; measure them on one grid",
                                  fmt::join(geometry.grid.shape, " x "), fmt::join(intensity->second.shape, " x ")));
  }

  State prepare(const Params&, const Geometry& geometry) const { return geometry.grid; }

  Halo halo(const Params&, const Grid&) const { return Halo::symmetric({1, 1, 1}); }

  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    // Room for an object in every 256 voxels, measured in two channels: many more than cells, fewer than specks of
    // noise.
    constexpr std::size_t kObject_bytes = sizeof(std::pair<std::uint32_t, Object>) + 2 * sizeof(Intensity) + 64;
    return static_cast<std::size_t>(count(extent)) * (kObject_bytes / 256 + sizeof(std::uint32_t));
  }

  Survey survey(const Params&, const State&, const Block& block, Context& ctx) const {
    std::vector<VolumeView<const float>> channels;
    for (std::size_t i = 0; i < block.slices("intensity"); ++i) channels.push_back(block.input("intensity", i));
    return Survey(block.input<std::uint32_t>("labels"), channels, block.box("labels"), block.core, ctx);
  }
  void merge(Survey& into, const Survey& next) const { into.add(next); }

  SmallValues emit(const Params&, const State& grid, const Survey& found, const Slice&) const {
    const Spacing3& spacing = grid.spacing;
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
    add_shape(rows, found, grid, voxel_um3);
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

  static void add_shape(Table& rows, const Survey& found, const Grid& grid, double voxel_um3) {
    std::map<std::uint32_t, objects::Ellipsoid> ellipsoids;
    for (const auto& [label, o] : found.by_label())
      ellipsoids[label] = objects::ellipsoid_of(o.voxels, o.coordinate_sum, o.products, grid);
    const auto add = [&](std::string name, std::string unit, auto&& value) {
      std::vector<double> values;
      for (const auto& [label, e] : ellipsoids) values.push_back(value(e));
      rows.add({std::move(name), std::move(unit), std::move(values)});
    };
    add("major_axis", "um", [](const objects::Ellipsoid& e) { return e.axes_um[0]; });
    add("middle_axis", "um", [](const objects::Ellipsoid& e) { return e.axes_um[1]; });
    add("minor_axis", "um", [](const objects::Ellipsoid& e) { return e.axes_um[2]; });
    for (std::size_t axis = 0; axis < 3; ++axis)
      add(fmt::format("major_{}", kAxisNames[axis]), "", [&](const objects::Ellipsoid& e) { return e.longest[axis]; });
    const objects::Crofton crofton(grid.spacing);
    rows.add(column("surface_area", "um2", found, [&](const Object& o) { return crofton.surface_um2(o.crossings); }));
    rows.add(column("sphericity", "", found, [&](const Object& o) {
      const double volume = static_cast<double>(o.voxels) * voxel_um3;
      return std::cbrt(36 * std::numbers::pi * volume * volume) / crofton.surface_um2(o.crossings);
    }));
    std::vector<std::int64_t> at_border;
    for (const auto& [label, o] : found.by_label()) at_border.push_back(touches_border(o, grid.shape) ? 1 : 0);
    rows.add({"touches_border", "", std::move(at_border)});
  }

  static bool touches_border(const Object& o, const Index3& shape) {
    for (std::size_t axis = 0; axis < 3; ++axis)
      if (!(axis == kZ && shape[kZ] == 1) && (o.low[axis] == 0 || o.high[axis] == shape[axis] - 1)) return true;
    return false;
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
