// The noise of an image found in the image itself: how the variance of even places grows with their intensity.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/shared/anscombe.hpp"
#include "pipeline/sdk/block.hpp"

namespace voxflow::shared {

/// What is known of a camera; what is unset is looked for in the image.
struct NoiseParams {
  std::optional<double> gain, offset, read_noise;
  bool complete() const { return gain && offset && read_noise; }
};

/// Declares the parameters of NoiseParams through `add(member, name)`, which returns their builder.
template <class Add>
void declare_noise(Add&& add) {
  add(&NoiseParams::gain, "gain")
      .range(0.0, 1e9)
      .from_annotation("camera_gain")
      .doc(
          "Intensities for one photoelectron; 0: the noise is the same everywhere. Unset: found in each volume, from "
          "how noise grows with intensity.");
  add(&NoiseParams::offset, "offset")
      .range(-1e9, 1e9)
      .from_annotation("camera_offset")
      .doc("Intensity without light. Unset: that of the darkest places of each volume.");
  add(&NoiseParams::read_noise, "read_noise")
      .range(0.0, 1e9)
      .from_annotation("camera_read_noise")
      .doc("Standard deviation of the noise without light, in intensities. Unset: found in each volume.");
}

/// One small box of voxels.
struct NoiseTile {
  std::int64_t number = 0;  // in raster order of the volume, volumes one after the other
  float mean = 0;
  float variance = 0;    // of the noise: of second differences along y and x
  float unevenness = 0;  // variance of the means of its quarters
  float highest = 0;
  std::int32_t at_highest = 0;  // voxels that have the highest intensity
};

/// A sample of at most about 2^16 tiles of a volume, or of all timepoints that a kernel sees; the same whatever the
/// blocks are.
class NoiseSurvey {
 public:
  NoiseSurvey() = default;
  /// Surveys the tiles that begin in the core of `block`, whose input "image" has `noise_halo` around it, or ends with
  /// the volume.
  NoiseSurvey(const Block& block, const Context& ctx);
  void add(const NoiseSurvey& next);
  /// Parameters that are set are taken as they are. From `saturation` on voxels are clipped; unset: from the highest
  /// intensity on where voxels share it. Nothing where there is no noise, or nothing to find it by. Throws UserError
  /// where stated noise cannot be that of these tiles.
  std::optional<NoiseModel> model(const NoiseParams& known, std::optional<double> saturation) const;
  /// The mean intensity that this part of the tiles does not exceed. Nothing where there are no tiles.
  std::optional<double> level(double part) const;
  /// The highest voxel of the tiles, which are a sample of large volumes.
  std::optional<double> highest() const;
  void encode(ByteWriter& out) const { out.put(tiles_); }
  static NoiseSurvey decode(ByteReader& in);

 private:
  std::vector<NoiseTile> tiles_;
};

/// The noise that a denoiser works with, as its findings (sdk/findings.hpp): the columns `noise.gain`, `noise.offset`
/// and `noise.read_noise`, all 0 where there is no noise, and `found`, those of them that are not parameters.
SmallValues noise_findings(const NoiseSurvey& survey, const NoiseParams& known, std::optional<double> saturation);

/// Refuses stated noise that is none. Throws UserError.
void check_noise(const NoiseParams& noise);

/// What a tile reaches beyond its first voxel.
Halo noise_halo();
/// The halo that a kernel needs for itself, and for the survey.
Halo with_noise_halo(const Index3& reach);
/// Bytes that a survey of one block takes.
std::size_t noise_survey_bytes(const Index3& extent);

}  // namespace voxflow::shared
