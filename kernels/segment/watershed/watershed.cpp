// segment.watershed: from an image of roundish objects to labels, touching ones parted where they are narrow.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <string>

#include "kernels/segment/watershed/flood.hpp"
#include "kernels/shared/distance.hpp"
#include "kernels/shared/histogram.hpp"
#include "kernels/shared/parallel.hpp"
#include "kernels/shared/smooth.hpp"
#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::literals;

struct WatershedParams {
  Micrometres sigma = 0.5_um;
  std::string threshold = "otsu";
  std::optional<double> value;
  Micrometres surroundings = 4.0_um;
  Micrometres min_diameter = 4.0_um;
  double depth = 0.1;
  std::string border = "keep";
};

class Watershed {
 public:
  using Params = WatershedParams;

  static void describe(KernelSchema<Params>& k) {
    k.name("segment.watershed").version(1);
    k.summary("Labels roundish objects: Gaussian smoothing, threshold, distance transform, watershed.");
    k.source("doi:10.1109/TSMC.1979.4310076").source("doi:10.4086/toc.2012.v008a019").source("doi:10.1109/34.87344");
    k.input("image", any_real).doc("Bright objects on a dark ground. NaN counts as ground.");
    k.output("labels", labels).doc("1, 2, ... in raster order of each object's first voxel; background is 0.");
    k.param(&Params::sigma, "sigma").range(0.0_um, 20.0_um).doc("Standard deviation of the smoothing.");
    k.param(&Params::threshold, "threshold")
        .choices({"otsu", "local", "fixed"})
        .doc(
            "What of the smoothed image is foreground: what lies above Otsu's threshold of the volume; what is "
            "brighter "
            "than its surroundings and reaches half of that threshold above the mean of the ground (for crowded "
            "objects of unequal brightness); or what lies above `value`.");
    k.param(&Params::value, "value")
        .range(-1e30, 1e30)
        .doc("The threshold of `threshold: fixed`, in the image's intensities; itself background.");
    k.param(&Params::surroundings, "surroundings")
        .range(0.1_um, 100.0_um)
        .doc(
            "Standard deviation of the Gaussian mean that `threshold: local` compares with: about half of an object's "
            "diameter; the inside of much larger objects is lost.");
    k.param(&Params::min_diameter, "min_diameter")
        .range(0.0_um, 500.0_um)
        .doc(
            "Diameter of the ball (in a single plane: the disc) that is the smallest object; smaller parts are removed "
            "and smaller holes filled. Distances are smoothed with a sixth of it.");
    k.param(&Params::depth, "depth")
        .range(0.0, 1.0)
        .doc(
            "Two objects are one where the neck between them is less than this fraction narrower than the smaller "
            "one's widest place.");
    k.param(&Params::border, "border")
        .choices({"keep", "remove"})
        .doc("What becomes of objects that touch a face of the volume.");
    k.each(t, c).blockwise(Blockwise::volume).nan(NanPolicy::ignored);
  }

  void check(const Params& p) const {
    if (p.threshold == "fixed" && !p.value)
      throw UserError("threshold is fixed, but value is not set; set value, or take threshold: otsu");
    if (p.threshold != "fixed" && p.value)
      throw UserError("value is set, but threshold is " + p.threshold + "; take threshold: fixed, or leave value out");
  }

  std::size_t scratch_bytes(const Params& p, const Index3& extent) const {
    constexpr std::size_t kMostThreads = 64;
    const auto n = static_cast<std::size_t>(count(extent));
    const std::size_t threads =
        std::min<std::size_t>(kMostThreads, static_cast<std::size_t>(std::max(extent[kZ], extent[kY])));
    return n * (sizeof(float) + sizeof(std::uint8_t)) +
           std::max({watershed::flood_bytes(extent), shared::histogram_bytes(n),
                     (p.threshold == "local" ? n * sizeof(float) : 0) +
                         threads * (shared::smooth_bytes(extent) + shared::squared_distance_bytes(extent))});
  }

  void run(const Params& p, const Block& block, Context& ctx) const {
    const auto in = block.input();
    const Index3& shape = in.shape();
    const auto labels = block.output<std::uint32_t>("labels");
    if (count(shape) > std::numeric_limits<std::uint32_t>::max())
      throw UserError(
          fmt::format("a volume of {} voxels is too large to be segmented at once, at most {}; cut it first",
                      count(shape), std::numeric_limits<std::uint32_t>::max()));
    const auto n = static_cast<std::size_t>(count(shape));
    std::vector<float> buffer(n);
    const VolumeView<float> smoothed(buffer.data(), shape);
    copy_with_dark_nan(in, smoothed);
    shared::smooth(smoothed, in_voxels(p.sigma, block.grid), ctx);
    std::vector<std::uint8_t> foreground(n);
    const VolumeView<std::uint8_t> mask(foreground.data(), shape);
    mark_foreground(p, smoothed, mask, block.grid, ctx);
    const double least = smallest_object_voxels(p, block.grid);
    watershed::drop_small_parts(mask, 0, least, ctx);
    watershed::drop_small_parts(mask, 1, least, ctx);
    const VolumeView<float> distance = smoothed;
    shared::squared_distance(mask, block.grid.spacing, distance, ctx);
    for (float& d : buffer) d = std::sqrt(d);
    shared::smooth(distance, in_voxels({p.min_diameter.value / 6}, block.grid), ctx);
    const std::uint32_t last = watershed::label_basins(distance, mask, p.depth, labels, ctx);
    if (!ctx.cancelled()) watershed::keep_objects(labels, last, least, p.border == "keep", ctx);
  }

 private:
  static std::array<double, 3> in_voxels(Micrometres length, const Grid& grid) {
    std::array<double, 3> voxels{};
    for (std::size_t i = 0; i < 3; ++i) voxels[i] = length.value / grid.spacing[i].value;
    return voxels;
  }

  static double smallest_object_voxels(const Params& p, const Grid& grid) {
    const double d = p.min_diameter.value;
    const double plane = grid.spacing[kY].value * grid.spacing[kX].value;
    if (grid.shape[kZ] == 1) return std::numbers::pi / 4 * d * d / plane;
    return std::numbers::pi / 6 * d * d * d / (plane * grid.spacing[kZ].value);
  }

  // What is not finite becomes the smallest (+infinity: the largest) finite value.
  static void copy_with_dark_nan(VolumeView<const float> in, VolumeView<float> out) {
    const auto n = count(in.shape());
    float low = std::numeric_limits<float>::max(), high = std::numeric_limits<float>::lowest();
    for (Index i = 0; i < n; ++i)
      if (const float v = in.data()[i]; std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
    if (low > high) low = high = 0;
    for (Index i = 0; i < n; ++i) {
      const float v = in.data()[i];
      out.data()[i] = std::isfinite(v) ? v : v > 0 ? high : low;
    }
  }

  static void mark_foreground(const Params& p, VolumeView<const float> image, VolumeView<std::uint8_t> mask,
                              const Grid& grid, const Context& ctx) {
    const auto n = count(image.shape());
    if (p.value) {
      for (Index i = 0; i < n; ++i) mask.data()[i] = image.data()[i] > *p.value ? 1 : 0;
      return;
    }
    const Levels levels = levels_of(image, ctx);
    if (!levels.otsu_bin) return;
    if (p.threshold == "otsu") {
      for (Index i = 0; i < n; ++i) mask.data()[i] = shared::bin_of(image.data()[i]) > *levels.otsu_bin ? 1 : 0;
      return;
    }
    const double least = (levels.ground + shared::value_of(*levels.otsu_bin)) / 2;
    std::vector<float> surroundings(image.data(), image.data() + n);
    shared::smooth({surroundings.data(), image.shape()}, in_voxels(p.surroundings, grid), ctx);
    for (Index i = 0; i < n; ++i) {
      const float v = image.data()[i];
      mask.data()[i] = v > least && v > surroundings[static_cast<std::size_t>(i)] ? 1 : 0;
    }
  }

  struct Levels {
    std::optional<std::uint32_t> otsu_bin;
    double ground = 0;  // mean of what is not above
  };
  static Levels levels_of(VolumeView<const float> image, const Context& ctx) {
    const shared::Histogram histogram(image, ctx);
    Levels levels{shared::otsu_bin(histogram)};
    double voxels = 0, sum = 0;
    for (const auto& [bin, number] : histogram.bins())
      if (levels.otsu_bin && bin <= *levels.otsu_bin)
        voxels += static_cast<double>(number), sum += static_cast<double>(number) * shared::value_of(bin);
    if (voxels > 0) levels.ground = sum / voxels;
    return levels;
  }
};
}  // namespace

VOXFLOW_KERNEL(Watershed)
