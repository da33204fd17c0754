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
  Index3 reach{};
  for (std::size_t i = 0; i < 3; ++i) reach[i] = blur.shape()[i] > 1 ? blur.shape()[i] / 2 + settling_voxels : 0;
  Halo halo = with_noise_halo(reach);
  if (grid.shape[kZ] == 1) halo.low[kZ] = halo.high[kZ] = 0;
  return grow(core, halo);
}

float extend(VolumeView<const float> blurred, const Convolution& padded, const FftBuffer& to, const Context& ctx) {
  const Index3& shape = padded.shape();
  const auto source = [&](Index i, std::size_t axis) {
    const Index n = blurred.shape()[axis];
    return i < n ? i : i - n < (shape[axis] - n) / 2 ? n - 1 : 0;
  };
  std::vector<float> highest(static_cast<std::size_t>(shape[kZ]));
  parallel_for(ctx, shape[kZ], [&] {
    return [&](Index z) {
      float most = 0;
      for (Index y = 0; y < shape[kY]; ++y) {
        const float* from = blurred.row(source(z, kZ), source(y, kY));
        float* row = padded.row(to, z, y);
        for (Index x = 0; x < shape[kX]; ++x) row[x] = std::max(from[source(x, kX)], 0.0F);
        most = std::max(most, *std::max_element(row, row + shape[kX]));
        std::fill(row + shape[kX], row + padded.pitch(), 0.0F);
      }
      highest[static_cast<std::size_t>(z)] = most;
    };
  });
  const float most = *std::max_element(highest.begin(), highest.end());
  if (!std::isfinite(most))
    throw UserError("the image holds infinite voxels, which cannot be deconvolved; replace or crop them first");
  return most;
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
  if (p.signal_to_noise) return std::max(*p.signal_to_noise, kLeastSignalToNoise);
  const auto noise = survey.model({}, p.saturation);
  const auto bright = survey.level(kBright);
  if (!noise || !bright) return kMostSignalToNoise;
  const double variance = noise->variance(*bright);
  if (!(variance > 0)) return kMostSignalToNoise;
  return std::clamp((*bright - noise->offset) / std::sqrt(variance), kLeastSignalToNoise, kMostSignalToNoise);
}

}  // namespace voxflow::shared
