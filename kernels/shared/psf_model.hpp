// Point spread functions from what is known of the optics, and the parameters by which kernels are told of it.
#pragma once
#include <optional>
#include <string>

#include "kernels/shared/diffraction.hpp"
#include "pipeline/sdk/block.hpp"

namespace voxflow::shared {

/// Annotations of an image (the emission: of its channel) that optics come from; import takes them from OME metadata.
inline constexpr const char *kApertureAnnotation = "numerical_aperture", *kEmissionAnnotation = "emission",
                            *kImmersionAnnotation = "refractive_index";

/// How a microscope blurs; what is unset is unknown, or not there.
struct PsfParams {
  std::optional<std::string> model;
  std::optional<double> numerical_aperture;
  std::optional<Nanometres> emission;
  std::optional<double> immersion_index, sample_index;
  std::optional<Micrometres> depth, cover_glass;
  std::optional<std::array<Micrometres, 3>> sigma;
};

/// Declares the parameters of PsfParams through `add(member, name)`, which returns their builder.
template <class Add>
void declare_psf(Add&& add) {
  add(&PsfParams::model, "model")
      .choices({"gaussian", "gibson_lanni", "born_wolf"})
      .doc(
          "`gaussian`: of `sigma`, or as wide as the optics make it; `gibson_lanni`: diffraction by an objective in "
          "a widefield microscope, with the aberration of a sample or cover glass that it is not made for; "
          "`born_wolf`: the same without aberration.");
  add(&PsfParams::numerical_aperture, "numerical_aperture")
      .range(0.01, 1.7)
      .from_annotation(kApertureAnnotation)
      .doc("Of the objective; below the immersion's index.");
  add(&PsfParams::emission, "emission")
      .range(Nanometres{200}, Nanometres{2000})
      .from_annotation(kEmissionAnnotation)
      .doc("Wavelength of the light that is seen.");
  add(&PsfParams::immersion_index, "immersion_index")
      .range(1.0, 1.8)
      .from_annotation(kImmersionAnnotation)
      .doc("Refractive index between objective and cover glass: 1 for air, 1.33 for water, 1.518 for oil.");
  add(&PsfParams::sample_index, "sample_index")
      .range(1.0, 1.8)
      .doc("Refractive index of what the object lies in; unset: that of the immersion. Of `gibson_lanni`.");
  add(&PsfParams::depth, "depth")
      .range(Micrometres{0}, Micrometres{1000})
      .doc(
          "How far below the cover glass the object lies; unset: 0. Later planes are taken to lie deeper. Of "
          "`gibson_lanni`.");
  add(&PsfParams::cover_glass, "cover_glass")
      .range(Micrometres{0}, Micrometres{1000})
      .doc("Thickness of the cover glass (index 1.5255), where the objective is made for 170 um. Of `gibson_lanni`.");
  add(&PsfParams::sigma, "sigma")
      .range(Micrometres{0}, Micrometres{50})
      .doc("Standard deviations (z, y, x) of `gaussian`; they stand in for the optics.");
}

/// Throws UserError where the parameters do not fit each other or a model lacks what it needs; names them as
/// `group` + "numerical_aperture".
void check_psf(const PsfParams& psf, const std::string& group);

/// Number of voxels of `make_psf` at that spacing, known without computing them: odd, and 1 on axes on which the image
/// has one voxel.
Index3 psf_shape(const PsfParams& psf, const Grid& image);

/// The PSF of checked parameters at the image's spacing, integrated over each voxel. It sums to 1, and its centre of
/// light lies in the middle voxel. Light beyond three times the first axial zero, and beyond the cone that goes with
/// it, is left out.
Psf make_psf(const PsfParams& psf, const Grid& image);

}  // namespace voxflow::shared
