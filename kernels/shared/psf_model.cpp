#include "kernels/shared/psf_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "pipeline/core/text.hpp"

namespace voxflow::shared {

namespace {
constexpr double kDesignedGlass_um = 170;
constexpr double kAxialReach = 3;  // in distances from the focus to the first zero of the axis
constexpr double kSteepestCone = 3;
constexpr Index kMostVoxels = Index{1} << 25;

Optics optics_of(const PsfParams& p) {
  Optics o;
  o.numerical_aperture = p.numerical_aperture.value();
  o.wavelength_um = p.emission.value().value * 1e-3;
  o.immersion_index = p.immersion_index.value();
  o.sample_index = p.sample_index.value_or(o.immersion_index);
  o.depth_um = p.depth.value_or(Micrometres{0}).value;
  o.glass_excess_um = p.cover_glass ? p.cover_glass->value - kDesignedGlass_um : 0;
  return o;
}

// Of the Gaussian that is nearest to the diffraction of a widefield microscope (Zhang, Zerubia and Olivo-Marin 2007,
// doi:10.1364/AO.46.001819, paraxial).
std::array<double, 3> gaussian_sigma_um(const PsfParams& p) {
  if (p.sigma) return {(*p.sigma)[kZ].value, (*p.sigma)[kY].value, (*p.sigma)[kX].value};
  const Optics o = optics_of(p);
  const double k = 2 * std::numbers::pi / o.wavelength_um, na = o.numerical_aperture;
  const double lateral = std::numbers::sqrt2 / (k * na);
  return {2 * std::sqrt(6.0) * o.immersion_index / (k * na * na), lateral, lateral};
}

double cosine_term(const Optics& o) {
  return std::sqrt(o.immersion_index * o.immersion_index - o.numerical_aperture * o.numerical_aperture);
}

double first_axial_zero_um(const Optics& o) {
  return o.wavelength_um / (o.immersion_index - cosine_term(o));
}

// Focal planes of the rays of the inner nine tenths of the pupil.
std::pair<double, double> focus_range(const Optics& o) {
  std::pair<double, double> range{focus_of_rays(o, 0), focus_of_rays(o, 0)};
  for (int i = 1; i <= 9; ++i) {
    const double focus = focus_of_rays(o, 0.1 * i * pupil_edge(o));
    range = {std::min(range.first, focus), std::max(range.second, focus)};
  }
  return range;
}

// Half-widths, z and lateral.
struct Reach {
  double axial_um, lateral_um;
};
Reach reach_of(const Optics& o) {
  const auto [nearest, farthest] = focus_range(o);
  const double axial = kAxialReach * first_axial_zero_um(o) + (farthest - nearest) / 2;
  const double cone = std::min(kSteepestCone, o.numerical_aperture / cosine_term(o));
  return {axial, std::max(2 * o.wavelength_um / o.numerical_aperture, axial * cone)};
}

Index odd(double half_um, Micrometres spacing) {
  return 2 * static_cast<Index>(std::ceil(half_um / spacing.value)) + 1;
}

void normalise(std::vector<double>& values, Psf& psf) {
  double sum = 0;
  for (const double v : values) sum += v;
  for (const double v : values) psf.voxels.push_back(static_cast<float>(v / sum));
}

Psf make_gaussian(const std::array<double, 3>& sigma_um, const Grid& grid) {
  std::array<std::vector<double>, 3> weights;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const Index n = grid.shape[axis];
    const double scale = grid.spacing[axis].value / (std::numbers::sqrt2 * sigma_um[axis]);
    const Index centre = n / 2;
    for (Index i = 0; i < n; ++i) {
      const auto d = static_cast<double>(i - centre);
      weights[axis].push_back(n == 1 ? 1 : std::erf((d + 0.5) * scale) - std::erf((d - 0.5) * scale));
    }
  }
  std::vector<double> values;
  for (const double z : weights[kZ])
    for (const double y : weights[kY])
      for (const double x : weights[kX]) values.push_back(z * y * x);
  Psf psf{grid, {}};
  normalise(values, psf);
  return psf;
}

// Gauss-Legendre points, three to a cell, that integrate over a voxel around 0.
struct Quadrature {
  std::vector<double> at, weight;
  Quadrature(double width, double longest_cell) {
    const double cells = std::ceil(width / longest_cell), cell = width / cells;
    constexpr std::array<double, 3> kPoint{-0.7745966692414834, 0, 0.7745966692414834},
        kWeight{5.0 / 18, 8.0 / 18, 5.0 / 18};
    for (double i = 0; i < cells; ++i)
      for (std::size_t k = 0; k < 3; ++k) {
        at.push_back((i + 0.5 + kPoint[k] / 2) * cell - width / 2);
        weight.push_back(kWeight[k] / cells);
      }
  }
};

// The PSF of an objective, computed plane by plane from profiles along the radius.
class DiffractionPsf {
 public:
  DiffractionPsf(const Optics& optics, const Grid& grid)
      : optics_(optics),
        grid_(grid),
        reach_(reach_of(optics)),
        range_(focus_range(optics)),
        light_(optics, range_.first - reach_.axial_um, range_.second + reach_.axial_um) {}

  Psf make() {
    const double middle_um = centre_of_light_um();
    step_um_ = optics_.wavelength_um / (200 * optics_.numerical_aperture);
    light_.set_radii(static_cast<std::size_t>(farthest_um() / step_um_) + 3, step_um_);
    const double dz = grid_.spacing[kZ].value;
    const Quadrature through(dz, first_axial_zero_um(optics_) / 2);
    const Index half = grid_.shape[kZ] / 2;
    std::vector<double> values;
    for (Index z = -half; z <= half; ++z) {
      const double focus = middle_um + static_cast<double>(z) * dz;
      std::vector<double> profile = light_.plane(focus);
      if (grid_.shape[kZ] > 1) {
        std::fill(profile.begin(), profile.end(), 0.0);
        for (std::size_t i = 0; i < through.at.size(); ++i) {
          const std::vector<double> plane = light_.plane(focus + through.at[i]);
          for (std::size_t r = 0; r < plane.size(); ++r) profile[r] += through.weight[i] * plane[r];
        }
      }
      add_plane(profile, values);
    }
    Psf psf{grid_, {}};
    normalise(values, psf);
    return psf;
  }

 private:
  double farthest_um() const {
    double squares = 0;
    for (const std::size_t axis : {kY, kX}) {
      const Index centre = grid_.shape[axis] / 2;
      const double um = (static_cast<double>(centre) + 0.5) * grid_.spacing[axis].value;
      squares += um * um;
    }
    return std::sqrt(squares);
  }

  // The focal plane around which the light within reach is balanced.
  double centre_of_light_um() {
    const auto [nearest, farthest] = range_;
    if (farthest - nearest < 1e-6 * first_axial_zero_um(optics_)) return nearest;
    constexpr std::size_t kRadii = 200;
    const double step_r = reach_.lateral_um / kRadii, step_z = first_axial_zero_um(optics_) / 16;
    light_.set_radii(kRadii, step_r);
    std::vector<double> at, energy;
    for (double z = nearest - reach_.axial_um; z <= farthest + reach_.axial_um; z += step_z) {
      const std::vector<double> plane = light_.plane(z);
      at.push_back(z), energy.push_back(0);
      for (std::size_t r = 0; r < kRadii; ++r) energy.back() += static_cast<double>(r) * plane[r];
    }
    double centre = (nearest + farthest) / 2;
    for (int iteration = 0; iteration < 40; ++iteration) {
      double sum = 0, moment = 0;
      for (std::size_t i = 0; i < at.size(); ++i)
        if (std::abs(at[i] - centre) <= reach_.axial_um) sum += energy[i], moment += energy[i] * at[i];
      centre = moment / sum;
    }
    return centre;
  }

  // One plane of voxels from its profile; a quarter of it is computed.
  void add_plane(const std::vector<double>& profile, std::vector<double>& values) const {
    const Index half_y = grid_.shape[kY] / 2, half_x = grid_.shape[kX] / 2;
    const double cell = optics_.wavelength_um / (2 * optics_.numerical_aperture);
    const Quadrature along_y(grid_.spacing[kY].value, cell), along_x(grid_.spacing[kX].value, cell);
    const auto intensity = [&](double y, double x) {
      const double r = std::sqrt(y * y + x * x) / step_um_;
      const auto i = static_cast<std::size_t>(r);
      const double beyond = r - static_cast<double>(i);
      return (1 - beyond) * profile[i] + beyond * profile[i + 1];
    };
    std::vector<double> quarter;
    for (Index y = 0; y <= half_y; ++y)
      for (Index x = 0; x <= half_x; ++x) {
        const double from_y = static_cast<double>(y) * grid_.spacing[kY].value,
                     from_x = static_cast<double>(x) * grid_.spacing[kX].value;
        double sum = 0;
        for (std::size_t j = 0; j < along_y.at.size(); ++j)
          for (std::size_t i = 0; i < along_x.at.size(); ++i)
            sum += along_y.weight[j] * along_x.weight[i] * intensity(from_y + along_y.at[j], from_x + along_x.at[i]);
        quarter.push_back(sum);
      }
    for (Index y = -half_y; y <= half_y; ++y)
      for (Index x = -half_x; x <= half_x; ++x)
        values.push_back(quarter[static_cast<std::size_t>(std::abs(y) * (half_x + 1) + std::abs(x))]);
  }

  Optics optics_;
  Grid grid_;
  Reach reach_;
  std::pair<double, double> range_;
  Diffraction light_;
  double step_um_ = 0;
};

// Names of parameters that are unset, and of the annotations that they may come from.
struct Unset {
  std::vector<std::string> params, annotations;
};
Unset unset_optics(const PsfParams& p, const std::string& group) {
  Unset unset;
  const auto look = [&](bool is_set, const char* param, const char* annotation) {
    if (!is_set) unset.params.push_back(group + param), unset.annotations.emplace_back(annotation);
  };
  look(p.numerical_aperture.has_value(), "numerical_aperture", kApertureAnnotation);
  look(p.emission.has_value(), "emission", kEmissionAnnotation);
  look(p.immersion_index.has_value(), "immersion_index", kImmersionAnnotation);
  return unset;
}

std::vector<std::string> set_aberration(const PsfParams& p, const std::string& group) {
  std::vector<std::string> set;
  if (p.sample_index) set.push_back(group + "sample_index");
  if (p.depth) set.push_back(group + "depth");
  if (p.cover_glass) set.push_back(group + "cover_glass");
  return set;
}
}  // namespace

void check_psf(const PsfParams& p, const std::string& group) {
  if (!p.model) throw UserError(fmt::format("{}model is not set; take gaussian, gibson_lanni or born_wolf", group));
  if (const auto set = set_aberration(p, group); *p.model != "gibson_lanni" && !set.empty())
    throw UserError(
        fmt::format("{} is set, but {}model is {}; take gibson_lanni, or leave it out", set.front(), group, *p.model));
  if (p.sigma && *p.model != "gaussian")
    throw UserError(
        fmt::format("{}sigma is set, but {}model is {}; take gaussian, or leave it out", group, group, *p.model));
  if (p.sigma) return;
  if (const auto unset = unset_optics(p, group); !unset.params.empty())
    throw UserError(fmt::format(
        "{}model {} needs {}{}; set {}, or annotate the image with {}{}", group, *p.model, join(unset.params, ", "),
        *p.model == "gaussian" ? fmt::format(", or {}sigma", group) : "", unset.params.size() == 1 ? "it" : "them",
        join(unset.annotations, ", "),
        p.emission ? "" : fmt::format("; of several channels, set {}emission in 'params_by_channel'", group)));
  if (*p.numerical_aperture >= *p.immersion_index)
    throw UserError(fmt::format("{}numerical_aperture is {}, allowed is less than {}immersion_index, which is {}",
                                group, *p.numerical_aperture, group, *p.immersion_index));
}

Index3 psf_shape(const PsfParams& p, const Grid& image) {
  std::array<double, 3> half_um{};
  if (*p.model == "gaussian") {
    for (std::size_t axis = 0; axis < 3; ++axis) half_um[axis] = 4 * gaussian_sigma_um(p)[axis];
  } else {
    const Reach reach = reach_of(optics_of(p));
    half_um = {reach.axial_um, reach.lateral_um, reach.lateral_um};
  }
  Index3 shape{};
  double voxels = 1;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (!(half_um[axis] / image.spacing[axis].value < 1e6)) half_um[axis] = 1e6 * image.spacing[axis].value;
    shape[axis] = image.shape[axis] > 1 ? odd(half_um[axis], image.spacing[axis]) : 1;
    voxels *= static_cast<double>(shape[axis]);
  }
  if (voxels > static_cast<double>(kMostVoxels))
    throw UserError(fmt::format(
        "the PSF would have {} voxels (z, y, x), more than {} in all; check its parameters and the image's spacing",
        fmt::join(shape, " x "), kMostVoxels));
  return shape;
}

Psf make_psf(const PsfParams& p, const Grid& image) {
  const Grid grid{psf_shape(p, image), image.spacing};
  if (*p.model == "gaussian") return make_gaussian(gaussian_sigma_um(p), grid);
  return DiffractionPsf(optics_of(p), grid).make();
}

}  // namespace voxflow::shared
