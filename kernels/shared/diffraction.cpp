#include "kernels/shared/diffraction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "pipeline/core/error.hpp"

namespace voxflow::shared {

namespace {
constexpr std::size_t kMostTerms = 500;

// Refractive index times cosine of a ray's angle in a medium, where rho * numerical_aperture is index times sine.
double axial(const Optics& o, double index, double rho) {
  const double sine = o.numerical_aperture * rho;
  return std::sqrt(std::max(0.0, index * index - sine * sine));
}

double frequency(std::size_t term) {
  return 3.0 * static_cast<double>(term) + 1;
}

// Integral of J0(s r) J0(b r) r over [0, a].
double bessel_product(double s, double b, double a) {
  if (std::abs(s - b) < 1e-7 * s) {
    const double j0 = ::j0(s * a), j1 = ::j1(s * a);
    return a * a / 2 * (j0 * j0 + j1 * j1);
  }
  return a * (s * ::j1(s * a) * ::j0(b * a) - b * ::j0(s * a) * ::j1(b * a)) / (s * s - b * b);
}
}  // namespace

double focus_of_rays(const Optics& o, double rho) {
  double focus = 0;
  if (o.depth_um > 0) focus += o.depth_um / axial(o, o.sample_index, rho);
  if (o.glass_excess_um != 0) focus += o.glass_excess_um / axial(o, Optics::kGlassIndex, rho);
  return focus * axial(o, o.immersion_index, rho);
}

double pupil_edge(const Optics& o) {
  double edge = 1;
  if (o.depth_um > 0) edge = std::min(edge, o.sample_index / o.numerical_aperture);
  if (o.glass_excess_um != 0) edge = std::min(edge, Optics::kGlassIndex / o.numerical_aperture);
  return edge;
}

Diffraction::Diffraction(const Optics& optics, double first_um, double last_um)
    : optics_(optics), edge_(pupil_edge(optics)) {
  // The fastest oscillation of the pupil function decides how many terms it takes; close to an edge of total
  // reflection it has no bound, and carries no light.
  double steepest = 0;
  constexpr double kStep = 1e-3;
  for (const double focus_um : {first_um, last_um})
    for (double rho = kStep; rho < 0.97 * edge_; rho += 0.01)
      steepest = std::max(steepest, std::abs(phase(rho + kStep, focus_um) - phase(rho - kStep, focus_um)) / (2 * kStep));
  const double wanted = std::ceil((1.15 * steepest + 30) / 3);
  if (wanted > static_cast<double>(kMostTerms))
    throw UserError(
        fmt::format("the PSF is blurred by aberration over {:.0f} wavelengths, too far to be computed; check depth, "
                    "sample_index and cover_glass, or give a measured PSF",
                    steepest / (2 * std::numbers::pi)));
  terms_ = static_cast<std::size_t>(wanted);
  samples_ = 6 * terms_;
  for (std::size_t k = 0; k < samples_; ++k)
    rho_.push_back(edge_ * (static_cast<double>(k) + 0.5) / static_cast<double>(samples_));
  for (std::size_t m = 0; m < terms_; ++m)
    for (const double rho : rho_) basis_.push_back(std::sqrt(rho) * ::j0(frequency(m) * rho / edge_));
  factorise();
}

double Diffraction::phase(double rho, double focus_um) const {
  double path = focus_um * axial(optics_, optics_.immersion_index, rho);
  path -= optics_.depth_um * axial(optics_, optics_.sample_index, rho);
  path -= optics_.glass_excess_um * axial(optics_, Optics::kGlassIndex, rho);
  return 2 * std::numbers::pi / optics_.wavelength_um * path;
}

// Householder's QR: below and on the diagonal of column m stands its reflector, above it R.
void Diffraction::factorise() {
  diagonal_.assign(terms_, 0);
  for (std::size_t m = 0; m < terms_; ++m) {
    double* v = basis_.data() + m * samples_;
    double squares = 0;
    for (std::size_t k = m; k < samples_; ++k) squares += v[k] * v[k];
    diagonal_[m] = v[m] > 0 ? -std::sqrt(squares) : std::sqrt(squares);
    const double scale = 1 / std::sqrt(squares + std::abs(v[m] * diagonal_[m]));
    v[m] -= diagonal_[m];
    for (std::size_t k = m; k < samples_; ++k) v[k] *= scale;
    for (std::size_t n = m + 1; n < terms_; ++n) {
      double* other = basis_.data() + n * samples_;
      double product = 0;
      for (std::size_t k = m; k < samples_; ++k) product += v[k] * other[k];
      for (std::size_t k = m; k < samples_; ++k) other[k] -= product * v[k];
    }
  }
}

// The series that comes nearest to the pupil function, weighted as light is by the pupil's area.
Diffraction::Coefficients Diffraction::fit(double focus_um) const {
  Coefficients c{std::vector<double>(samples_), std::vector<double>(samples_)};
  for (std::size_t k = 0; k < samples_; ++k) {
    const double angle = phase(rho_[k], focus_um), weight = std::sqrt(rho_[k]);
    c.re[k] = weight * std::cos(angle), c.im[k] = weight * std::sin(angle);
  }
  for (std::vector<double>* part : {&c.re, &c.im}) {
    std::vector<double>& y = *part;
    for (std::size_t m = 0; m < terms_; ++m) {
      const double* v = basis_.data() + m * samples_;
      double product = 0;
      for (std::size_t k = m; k < samples_; ++k) product += v[k] * y[k];
      for (std::size_t k = m; k < samples_; ++k) y[k] -= product * v[k];
    }
    y.resize(terms_);
    for (std::size_t m = terms_; m-- > 0;) {
      y[m] /= diagonal_[m];
      for (std::size_t above = 0; above < m; ++above) y[above] -= basis_[m * samples_ + above] * y[m];
    }
  }
  return c;
}

void Diffraction::set_radii(std::size_t radii, double step_um) {
  radii_ = radii;
  integrals_.clear();
  const double per_um = 2 * std::numbers::pi * optics_.numerical_aperture / optics_.wavelength_um;
  for (std::size_t r = 0; r < radii; ++r)
    for (std::size_t m = 0; m < terms_; ++m)
      integrals_.push_back(
          2 * bessel_product(frequency(m) / edge_, per_um * static_cast<double>(r) * step_um, edge_));
}

std::vector<double> Diffraction::plane(double focus_um) const {
  const Coefficients c = fit(focus_um);
  std::vector<double> intensity;
  for (std::size_t r = 0; r < radii_; ++r) {
    const double* integral = integrals_.data() + r * terms_;
    double re = 0, im = 0;
    for (std::size_t m = 0; m < terms_; ++m) re += c.re[m] * integral[m], im += c.im[m] * integral[m];
    intensity.push_back(re * re + im * im);
  }
  return intensity;
}

}  // namespace voxflow::shared
