#include "kernels/shared/deconvolution.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "kernels/shared/parallel.hpp"
#include "pipeline/core/hash.hpp"

namespace voxflow::shared {

namespace {
constexpr double kBright = 0.99;  // of all places, those that are darker than bright ones
constexpr double kLeastSignalToNoise = 0.5, kMostSignalToNoise = 100;

// A place along one axis that was not measured, between the last one that was and the first one.
struct Between {
  Index place, last, first;
  float share;  // of the first one

  // Rows or planes of `n` floats, one each `stride`.
  void fill(float* start, Index stride, Index n) const {
    const float *from_last = start + last * stride, *from_first = start + first * stride;
    float* to = start + place * stride;
    for (Index i = 0; i < n; ++i) to[i] = from_last[i] + share * (from_first[i] - from_last[i]);
  }
};

std::vector<Between> places_between(Index size, const Box3& measured, std::size_t axis) {
  const Index gap = size - measured.extent[axis], first = measured.origin[axis], last = measured.end(axis) - 1;
  std::vector<Between> places;
  for (Index k = 1; k <= gap; ++k) {
    // Within a third of the way from a face, nothing comes from the other one.
    const double way = std::clamp(3 * static_cast<double>(k) / static_cast<double>(gap + 1) - 1, 0.0, 1.0);
    places.push_back({(last + k) % size, last, first, static_cast<float>(way * way * (3 - 2 * way))});
  }
  return places;
}

// Parameters that say what the blur is and do not come from annotations.
std::string set_without_model(const PsfParams& p) {
  if (p.sample_index) return "sample_index";
  if (p.depth) return "depth";
  if (p.cover_glass) return "cover_glass";
  return p.sigma ? "sigma" : "";
}
}  // namespace

void check_blur(const PsfParams& p) {
  if (p.model) return check_psf(p, "psf.");
  if (const auto set = set_without_model(p); !set.empty())
    throw UserError(fmt::format("psf.{} is set, but psf.model is not; set psf.model", set));
}

void check_blur(const PsfParams& p, const Geometry& geometry) {
  const bool connected = geometry.connected.contains("psf");
  if (connected && p.model)
    throw UserError(
        "psf.model is set, and a PSF is connected to input 'psf'; leave out the group psf, or the connection");
  if (!connected && !p.model)
    throw UserError(
        "the blur is not known; connect a PSF to input 'psf', or set psf, such as psf: { model: gaussian, sigma: "
        "[0.5 um, 0.2 um, 0.2 um] }");
}

std::string blur_identity(const PsfParams& p, const Geometry& geometry) {
  const Grid& image = geometry.grid;
  std::string text = fmt::format("{} {} {} {}", image.shape[kZ] == 1, image.spacing[kZ].value, image.spacing[kY].value,
                                 image.spacing[kX].value);
  if (geometry.small.contains("psf")) {
    const Psf& psf = geometry.small_input<Psf>("psf");
    for (const Micrometres& edge : psf.grid.spacing) text += fmt::format(" {}", edge.value);
    return text + fmt::format(" {} {}", fmt::join(psf.grid.shape, " "),
                              sha256(psf.voxels.data(), psf.voxels.size() * sizeof(float)).hex());
  }
  const auto value = [](const auto& v) { return v ? v->value : -1.0; };
  text += fmt::format(" {} {} {} {} {} {} {} {} {}", image.shape[kY] == 1, image.shape[kX] == 1, *p.model,
                      p.numerical_aperture.value_or(-1), value(p.emission), p.immersion_index.value_or(-1),
                      p.sample_index.value_or(-1), value(p.depth), value(p.cover_glass));
  if (p.sigma)
    for (const Micrometres& sigma : *p.sigma) text += fmt::format(" {}", sigma.value);
  return text;
}

Blur make_blur(const PsfParams& p, const Geometry& geometry) {
  if (geometry.small.contains("psf")) return Blur(geometry.small_input<Psf>("psf"), geometry.grid);
  return Blur(p, geometry.grid);
}

Box3 blurred_box(const Blur& blur, Index settling_voxels, const Box3& core, const Grid& grid) {
  const Index3& margin = blur.margin();
  Index3 reach{};
  for (std::size_t i = 0; i < 3; ++i) reach[i] = margin[i] > 0 ? margin[i] + settling_voxels : 0;
  return intersect(grow(core, with_noise_halo(reach)), grow(grid.box(), Halo::symmetric(margin)));
}

float load(VolumeView<const float> blurred, const Convolution& padded, const FftBuffer& to, const Context& ctx) {
  const Index3& shape = blurred.shape();
  std::vector<float> highest(static_cast<std::size_t>(padded.shape()[kZ]));
  parallel_for(ctx, padded.shape()[kZ], [&] {
    return [&](Index z) {
      float* plane = padded.row(to, z, 0);
      std::fill_n(plane, padded.shape()[kY] * padded.pitch(), 0.0F);
      for (Index y = 0; y < shape[kY] && z < shape[kZ]; ++y) {
        const float* from = blurred.row(z, y);
        float* row = plane + y * padded.pitch();
        for (Index x = 0; x < shape[kX]; ++x) row[x] = std::max(from[x], 0.0F);
        highest[static_cast<std::size_t>(z)] =
            std::max(highest[static_cast<std::size_t>(z)], *std::max_element(row, row + shape[kX]));
      }
    };
  });
  const float most = *std::max_element(highest.begin(), highest.end());
  if (!std::isfinite(most))
    throw UserError("the image holds infinite voxels, which cannot be deconvolved; replace or crop them first");
  return most;
}

void join_faces(const Convolution& padded, const FftBuffer& volume, const Box3& measured, const Context& ctx) {
  const auto at_z = places_between(padded.shape()[kZ], measured, kZ),
             at_y = places_between(padded.shape()[kY], measured, kY),
             at_x = places_between(padded.shape()[kX], measured, kX);
  parallel_for(ctx, measured.extent[kZ], [&] {
    return [&](Index plane) {
      const Index z = measured.origin[kZ] + plane;
      for (Index y = measured.origin[kY]; y < measured.end(kY); ++y)
        for (const Between& x : at_x) x.fill(padded.row(volume, z, y), 1, 1);
      for (const Between& y : at_y) y.fill(padded.row(volume, z, 0), padded.pitch(), padded.pitch());
    };
  });
  const Index plane_floats = padded.shape()[kY] * padded.pitch();
  for (const Between& z : at_z) z.fill(padded.row(volume, 0, 0), plane_floats, plane_floats);
}

void store_core(const Block& block, const Convolution& padded, const FftBuffer& estimate) {
  const auto out = block.output();
  const Index3 &core = block.core.origin, &box = block.box().origin;
  for (Index z = 0; z < out.shape()[kZ]; ++z)
    for (Index y = 0; y < out.shape()[kY]; ++y)
      std::copy_n(padded.row(estimate, core[kZ] - box[kZ] + z, core[kY] - box[kY] + y) + core[kX] - box[kX],
                  out.shape()[kX], out.row(z, y));
}

double signal_to_noise(const BlurredParams& p, const NoiseSurvey& survey) {
  if (const auto highest = survey.highest(); highest && *highest <= p.background)
    throw UserError(
        fmt::format("background is {}, and no place that was looked at is brighter than {}: there is no light to find; "
                    "set the background to what the "
                    "camera shows without light, or correct the annotation 'background' or 'camera_offset'",
                    p.background, *highest));
  if (p.signal_to_noise) return std::max(*p.signal_to_noise, kLeastSignalToNoise);
  const auto noise = survey.model({}, p.saturation);
  const auto bright = survey.level(kBright);
  if (!noise || !bright) return kMostSignalToNoise;
  const double variance = noise->variance(*bright);
  if (!(variance > 0)) return kMostSignalToNoise;
  return std::clamp((*bright - noise->offset) / std::sqrt(variance), kLeastSignalToNoise, kMostSignalToNoise);
}

}  // namespace voxflow::shared
