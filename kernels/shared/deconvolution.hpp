// What the kernels that take out a blur share: what they say of it and check, what a block reads, and how noisy it is.
#pragma once
#include <optional>
#include <string>

#include "kernels/shared/blur.hpp"
#include "kernels/shared/noise_survey.hpp"

namespace voxflow::shared {

/// Of the filters that a process keeps when it goes on to another task.
inline constexpr std::size_t kKeptBetweenTasks_bytes = std::size_t{8} << 20;

/// What is known of an image that is to be deconvolved.
struct BlurredParams {
  PsfParams psf;
  double background = 0;
  std::optional<double> saturation, signal_to_noise;
};

/// Declares the ports "image" and "psf" and the parameters of BlurredParams, of which P is a child.
template <class P>
void declare_blurred(KernelSchema<P>& k) {
  k.input("image", any_real)
      .border(Border::extend)
      .doc("Blurred image; its noise should be that of photons. Negative voxels count as 0.");
  k.input("psf", psf)
      .optional()
      .doc(
          "The blur, of the image's spacing and centred; scaled to a sum of 1. It may be larger than the image; of its "
          "planes a single-plane image takes the middle one. Without it, the group `psf` says what the blur is.");
  k.output("image", float_image).doc("Estimate of the light without background, nowhere below 0.");
  auto group = k.group(static_cast<PsfParams P::*>(&P::psf), "psf");
  declare_psf([&]<class M>(M PsfParams::*member, const char* name) { return group.param(member, name); });
  k.param(static_cast<double P::*>(&P::background), "background")
      .range(0.0, 1e9)
      .from_annotation("background")
      .doc(
          "Signal without light, in the image's intensities: camera offset and stray light. Of an image without that "
          "annotation, its `camera_offset`.");
  k.param(static_cast<std::optional<double> P::*>(&P::saturation), "saturation")
      .range(0.0, 1e30)
      .doc(
          "Voxels from this intensity on are taken to be clipped: there is at least as much light as they show. "
          "Unset: every voxel is what was measured.");
  k.param(static_cast<std::optional<double> P::*>(&P::signal_to_noise), "signal_to_noise")
      .range(0.1, 1e4)
      .doc(
          "Of bright places: their intensity beyond that of dark ones, over the standard deviation of their noise. "
          "Unset: found in each volume; 100 at most, and where no noise is found.");
}

/// Throws UserError where the blur's parameters do not fit each other, or the inputs.
void check_blur(const PsfParams& psf);
void check_blur(const PsfParams& psf, const Geometry& geometry);

/// The same for the same blur.
std::string blur_identity(const PsfParams& psf, const Geometry& geometry);
Blur make_blur(const PsfParams& psf, const Geometry& geometry);

/// The blur and what was made of it, from `recent` where it is known. When the task ends, large filters go: the memory
/// is another kernel's then.
template <class Key, class Filters>
std::shared_ptr<const KnownBlur<Key, Filters>> lease(Recent<std::string, KnownBlur<Key, Filters>>& recent,
                                                     const PsfParams& psf, const Geometry& geometry) {
  using Known = KnownBlur<Key, Filters>;
  const auto known =
      recent.get(blur_identity(psf, geometry), [&] { return std::make_shared<const Known>(make_blur(psf, geometry)); });
  return {known.get(), [known](const Known* blur) { blur->trim(kKeptBetweenTasks_bytes); }};
}

/// What a block reads: the core, some voxels more within which the estimate settles, and what a survey of noise needs,
/// all as far as the volume reaches; and the blur's margin around it, which is beyond the volume at its faces.
Box3 blurred_box(const Blur& blur, Index settling_voxels, const Box3& core, const Grid& grid);

/// Writes the block's voxels into the padded volume, those below 0 as 0; the padding is 0. Returns the highest; throws
/// UserError when it is infinite.
float load(VolumeView<const float> blurred, const Convolution& padded, const FftBuffer& to, const Context& ctx);

/// Fills what is not in `measured`: each face's voxels go on for a while and then change smoothly into those of the
/// opposite face, which the periodic volume comes to next.
void join_faces(const Convolution& padded, const FftBuffer& volume, const Box3& measured, const Context& ctx);

/// Writes the core, which begins at core - box of the padded volume.
void store_core(const Block& block, const Convolution& padded, const FftBuffer& estimate);

/// As BlurredParams::signal_to_noise says; 0.5 at least. Throws UserError where no place that was surveyed is above the
/// background.
double signal_to_noise(const BlurredParams& p, const NoiseSurvey& survey);

}  // namespace voxflow::shared
