// The light of a point behind an objective, by scalar diffraction.
#pragma once
#include <vector>

namespace voxflow::shared {

/// An objective and what stands before it, lengths in um.
struct Optics {
  double numerical_aperture = 1, wavelength_um = 0.5, immersion_index = 1.5;
  double sample_index = 1.5;
  double depth_um = 0;         // of the point below the cover glass
  double glass_excess_um = 0;  // thickness of the cover glass beyond that for which the objective is made
  static constexpr double kGlassIndex = 1.5255;
};

/// Intensity around the image of a point (Gibson and Lanni, doi:10.1364/JOSAA.9.000154), 1 in the focus of optics
/// without aberration; of focal planes between two depths. Planes are counted in um of focus into the sample from the
/// cover glass. The pupil's phase is a series of Bessel functions, each of which has its integral in closed form
/// (Li et al. 2017, doi:10.1364/JOSAA.34.001029). Without aberration it is the intensity of Born and Wolf.
class Diffraction {
 public:
  /// Throws UserError when the aberration needs more terms than are sensible.
  Diffraction(const Optics& optics, double first_um, double last_um);
  /// At the distances 0, step_um, 2 step_um, ... from the axis in one focal plane.
  void set_radii(std::size_t radii, double step_um);
  std::vector<double> plane(double focus_um) const;

 private:
  struct Coefficients {
    std::vector<double> re, im;
  };
  double phase(double rho, double focus_um) const;
  Coefficients fit(double focus_um) const;
  void factorise();

  Optics optics_;
  double edge_ = 1;                            // pupil radius that light passes, in units of the aperture
  std::size_t terms_ = 0, samples_ = 0;
  std::vector<double> rho_, basis_;            // pupil samples; the basis there, factorised: Householder vectors and R
  std::vector<double> diagonal_;               // of R
  std::vector<double> integrals_;              // of each radius and term
  std::size_t radii_ = 0;
};

/// Radius of the pupil within which light passes all media, at most 1 (the whole aperture).
double pupil_edge(const Optics& optics);

/// Focal plane in which rays through the pupil at `rho` (0 axis, 1 edge) meet.
double focus_of_rays(const Optics& optics, double rho);

}  // namespace voxflow::shared
