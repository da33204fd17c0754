// What lies under the microscope: nuclei or beads with known places, and the light that they send.
#pragma once
#include <cstdint>
#include <vector>

#include "pipeline/core/geometry.hpp"
#include "pipeline/core/transform.hpp"
#include "pipeline/phantom/random.hpp"

namespace voxflow::phantom {

/// A wave of brightness through a nucleus.
struct Wave {
  Point3 per_um{};  // radians per um, z-y-x
  double phase = 0;
};

/// An ellipsoid, its in-plane axes turned by `angle`; lengths in um, z-y-x.
struct Nucleus {
  Point3 centre_um{}, radius_um{};
  double angle = 0, brightness = 1;  // of the brightest nucleus: 1
  std::vector<Wave> texture;
};

/// A point of light.
struct Bead {
  Point3 centre_um{};
  double brightness = 1;
};

/// Nuclei that lie inside the volume and apart from each other, at most `wanted`, as many as find a place.
std::vector<Nucleus> place_nuclei(const Grid& grid, int wanted, Random& random);
std::vector<Bead> place_beads(const Grid& grid, int wanted, Random& random);

/// What of a nucleus is stained.
enum class Stain { chromatin, envelope };

/// Light of every voxel, at most about 1, not blurred, with everything displaced by `shift_um`.
std::vector<float> render_nuclei(const Grid& grid, const std::vector<Nucleus>& nuclei, Stain stain,
                                 const Point3& shift_um);
/// Light of beads as the PSF shows them, 1 in the centre of the brightest.
std::vector<float> render_beads(const Grid& grid, const std::vector<Bead>& beads, const Point3& psf_sigma_um,
                                const Point3& shift_um);
/// Labels 1, 2, … in the order of `nuclei`; 0 outside.
std::vector<std::uint16_t> label_nuclei(const Grid& grid, const std::vector<Nucleus>& nuclei);

/// Convolves with a Gaussian, cut at 4 sigma; the volume goes on beyond its faces with their values.
void blur(std::vector<float>& voxels, const Grid& grid, const Point3& sigma_um);

}  // namespace voxflow::phantom
