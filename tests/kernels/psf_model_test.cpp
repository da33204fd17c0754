#include "kernels/shared/psf_model.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>

#include "tests/kernels/block_runner.hpp"
#include "tests/support/messages.hpp"

namespace {
using namespace voxflow;
using namespace voxflow::test;
using shared::Optics;
using shared::PsfParams;

const PsfParams kOil{.model = "born_wolf",
                     .numerical_aperture = 1.3,
                     .emission = Nanometres{500},
                     .immersion_index = 1.518,
                     .sample_index = {},
                     .depth = {},
                     .cover_glass = {},
                     .sigma = {}};

PsfParams aberrated() {
  PsfParams p = kOil;
  p.model = "gibson_lanni", p.sample_index = 1.38, p.depth = Micrometres{10};
  return p;
}

// The integral over the pupil, by Simpson's rule.
double intensity(const Optics& o, double radius_um, double focus_um) {
  constexpr int kSteps = 4000;
  const double k = 2 * std::numbers::pi / o.wavelength_um, edge = shared::pupil_edge(o);
  const auto pupil = [&](double rho) {
    const double sine = o.numerical_aperture * rho;
    const auto path = [&](double index) { return std::sqrt(std::max(0.0, index * index - sine * sine)); };
    const double way = focus_um * path(o.immersion_index) - o.depth_um * path(o.sample_index);
    return std::polar(2 * rho * ::j0(k * sine * radius_um), k * way);
  };
  std::complex<double> sum = pupil(0) + pupil(edge);
  for (int i = 1; i < kSteps; ++i) sum += (i % 2 == 1 ? 4.0 : 2.0) * pupil(edge * i / kSteps);
  return std::norm(sum * edge / (3.0 * kSteps));
}

// Where a profile that falls from its first value crosses half of it.
double half_width(const std::vector<double>& profile, double step) {
  for (std::size_t i = 1; i < profile.size(); ++i)
    if (profile[i] < profile[0] / 2)
      return step * (static_cast<double>(i) - (profile[0] / 2 - profile[i]) / (profile[i - 1] - profile[i]));
  return -1;
}

double sum(const Psf& psf) {
  return std::accumulate(psf.voxels.begin(), psf.voxels.end(), 0.0);
}

// Centre of light in voxels from the middle one, along an axis.
double off_centre(const Psf& psf, std::size_t axis) {
  const Index3& n = psf.grid.shape;
  double moment = 0;
  std::size_t i = 0;
  for (Index z = 0; z < n[kZ]; ++z)
    for (Index y = 0; y < n[kY]; ++y)
      for (Index x = 0; x < n[kX]; ++x)
        moment += static_cast<double>(psf.voxels[i++]) * static_cast<double>(Index3{z, y, x}[axis] - n[axis] / 2);
  return moment / sum(psf);
}

// From the middle voxel along x (or along z).
std::vector<double> profile(const Psf& psf, std::size_t axis) {
  const Index3& n = psf.grid.shape;
  std::vector<double> values;
  for (Index i = 0; i <= n[axis] / 2; ++i) {
    Index3 at{n[kZ] / 2, n[kY] / 2, n[kX] / 2};
    at[axis] += i;
    values.push_back(psf.voxels[static_cast<std::size_t>((at[kZ] * n[kY] + at[kY]) * n[kX] + at[kX])]);
  }
  return values;
}

std::string refusal(const PsfParams& p) {
  return message_of<UserError>([&] { shared::check_psf(p, "psf."); });
}
}  // namespace

TEST_CASE("the series gives the integral over the pupil to 1e-3, with and without aberration") {
  for (const Optics& o : {Optics{1.3, 0.5, 1.518, 1.518, 0, 0}, Optics{0.5, 0.6, 1.0, 1.0, 0, 0},
                          Optics{1.2, 0.52, 1.33, 1.33, 30, 0}, Optics{1.3, 0.5, 1.518, 1.38, 10, 0}}) {
    const double focus = shared::focus_of_rays(o, 0);
    shared::Diffraction light(o, focus - 3, focus + 3);
    constexpr double kStep = 0.11;
    light.set_radii(20, kStep);
    for (const double z : {-3.0, -1.1, -0.3, 0.0, 0.4, 2.7}) {
      const auto plane = light.plane(focus + z);
      for (std::size_t r = 0; r < plane.size(); ++r) {
        CAPTURE(o.depth_um);
        CAPTURE(z);
        CAPTURE(r);
        CHECK(std::abs(plane[r] - intensity(o, kStep * static_cast<double>(r), focus + z)) < 1e-3);
      }
    }
  }
}

TEST_CASE("Gibson-Lanni is Born-Wolf where the indices match, and that is the integral over the pupil to 1e-3") {
  const Grid fine{{64, 64, 64}, {{{0.05}, {0.02}, {0.02}}}};
  const Psf born_wolf = shared::make_psf(kOil, fine);
  PsfParams matched = kOil;
  matched.model = "gibson_lanni", matched.sample_index = 1.518, matched.depth = Micrometres{25};
  const Psf gibson_lanni = shared::make_psf(matched, fine);
  REQUIRE(gibson_lanni.grid == born_wolf.grid);
  const Optics o{1.3, 0.5, 1.518, 1.518, 0, 0};
  const auto [nz, ny, nx] = born_wolf.grid.shape;
  const std::size_t middle = born_wolf.voxels.size() / 2;
  const double peak = born_wolf.voxels[middle];
  double worst = 0;
  for (std::size_t i = 0; i < born_wolf.voxels.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(born_wolf.voxels[i]) - gibson_lanni.voxels[i]));
  CHECK(worst < 1e-3 * peak);
  // The mean over a voxel by two Gauss points on each axis.
  const auto voxel = [&](Index z, Index x) {
    constexpr double kPoint = 0.5 / 1.7320508075688772;
    double mean = 0;
    for (const double dz : {-kPoint, kPoint})
      for (const double dy : {-kPoint, kPoint})
        for (const double dx : {-kPoint, kPoint})
          mean +=
              intensity(o, 0.02 * std::hypot(static_cast<double>(x) + dx, dy), 0.05 * (static_cast<double>(z) + dz));
    return mean / 8;
  };
  for (const Index z : {0, 3, 9, 14})
    for (const Index x : {0, 2, 7, 12, 30}) {
      const auto at = middle + static_cast<std::size_t>(z * ny * nx + x);
      CHECK(std::abs(born_wolf.voxels[at] / peak - voxel(z, x) / voxel(0, 0)) < 1e-3);
    }
}

TEST_CASE(
    "its lateral full width at half maximum is 0.51 wavelengths over the aperture, its first axial zero in place") {
  const Psf psf = shared::make_psf(kOil, {{64, 1, 64}, {{{0.02}, {0.01}, {0.01}}}});
  CHECK(2 * half_width(profile(psf, kX), 0.01) == doctest::Approx(0.51 * 0.5 / 1.3).epsilon(0.03));
  const auto axial = profile(psf, kZ);
  const auto zero = static_cast<std::size_t>(std::lround(0.5 / (1.518 - std::sqrt(1.518 * 1.518 - 1.3 * 1.3)) / 0.02));
  CHECK(axial[zero] < 0.02 * axial[0]);
}

TEST_CASE("a PSF sums to 1, has odd sizes and its centre of light in the middle, at coarse voxels too") {
  for (const PsfParams& p : {kOil, aberrated()})
    for (const Spacing3& spacing : {Spacing3{{{0.2}, {0.1}, {0.1}}}, Spacing3{{{0.5}, {0.36}, {0.3}}}}) {
      const Psf psf = shared::make_psf(p, {{40, 40, 40}, spacing});
      CHECK(psf.grid.shape == shared::psf_shape(p, {{40, 40, 40}, spacing}));
      CHECK(sum(psf) == doctest::Approx(1).epsilon(1e-5));
      for (std::size_t axis = 0; axis < 3; ++axis) {
        CHECK(psf.grid.shape[axis] % 2 == 1);
        CHECK(std::abs(off_centre(psf, axis)) < 0.25);
      }
      CHECK(*std::min_element(psf.voxels.begin(), psf.voxels.end()) >= 0);
    }
}

TEST_CASE("coarse voxels hold what the fine voxels in them hold together") {
  const Psf fine = shared::make_psf(kOil, {{40, 40, 40}, {{{0.1}, {0.05}, {0.05}}}});
  const Psf coarse = shared::make_psf(kOil, {{40, 40, 40}, {{{0.3}, {0.15}, {0.15}}}});
  const auto middle = [](const Psf& psf) { return psf.voxels[psf.voxels.size() / 2]; };
  const auto [nz, ny, nx] = fine.grid.shape;
  double together = 0;
  for (Index z = -1; z <= 1; ++z)
    for (Index y = -1; y <= 1; ++y)
      for (Index x = -1; x <= 1; ++x)
        together += fine.voxels[static_cast<std::size_t>(((nz / 2 + z) * ny + ny / 2 + y) * nx + nx / 2 + x)];
  // The coarse one's box is a little larger, and holds more light in all.
  CHECK(middle(coarse) == doctest::Approx(together).epsilon(0.1));
  const Psf neighbours = shared::make_psf(kOil, {{40, 40, 40}, {{{0.3}, {0.15}, {0.15}}}});
  CHECK(neighbours.voxels == coarse.voxels);
}

TEST_CASE("a sample of lower index blurs more the deeper it is, and a cover glass of the wrong thickness too") {
  const Grid grid{{40, 40, 40}, {{{0.2}, {0.1}, {0.1}}}};
  const auto peak = [&](const PsfParams& p) {
    const Psf psf = shared::make_psf(p, grid);
    return *std::max_element(psf.voxels.begin(), psf.voxels.end());
  };
  PsfParams deeper = aberrated(), thick = aberrated();
  deeper.depth = Micrometres{30};
  thick.sample_index = {}, thick.depth = {}, thick.cover_glass = Micrometres{180};
  CHECK(peak(aberrated()) < 0.8F * peak(kOil));
  CHECK(peak(deeper) < 0.8F * peak(aberrated()));
  thick.immersion_index = 1.4;
  PsfParams right = thick;
  right.cover_glass = Micrometres{170};
  CHECK(peak(thick) < 0.9F * peak(right));
}

TEST_CASE("a Gaussian has its sigma, each voxel the integral over it, and by default the width of the optics") {
  PsfParams p;
  p.model = "gaussian", p.sigma = {Micrometres{0.6}, Micrometres{0.2}, Micrometres{0.0}};
  const Grid grid{{9, 9, 9}, {{{0.3}, {0.2}, {0.1}}}};
  const Psf psf = shared::make_psf(p, grid);
  CHECK(psf.grid.shape == Index3{17, 9, 1});
  const auto along_y = profile(psf, kY);
  CHECK(along_y[1] / along_y[0] == doctest::Approx((std::erf(1.5 / std::sqrt(2)) - std::erf(0.5 / std::sqrt(2))) /
                                                   (2 * std::erf(0.5 / std::sqrt(2))))
                                       .epsilon(1e-5));
  PsfParams optics = kOil;
  optics.model = "gaussian";
  const Grid fine{{9, 1, 9}, {{{0.02}, {0.01}, {0.01}}}};
  CHECK(half_width(profile(shared::make_psf(optics, fine), kX), 0.01) ==
        doctest::Approx(half_width(profile(shared::make_psf(kOil, fine), kX), 0.01)).epsilon(0.05));
}

TEST_CASE("the PSF of a single plane is one plane, in focus") {
  for (const PsfParams& p : {kOil, aberrated()}) {
    const Psf psf = shared::make_psf(p, {{1, 64, 64}, {{{1.0}, {0.05}, {0.05}}}});
    CHECK(psf.grid.shape[kZ] == 1);
    CHECK(sum(psf) == doctest::Approx(1).epsilon(1e-5));
  }
  const Psf psf = shared::make_psf(kOil, {{1, 64, 64}, {{{1.0}, {0.01}, {0.01}}}});
  CHECK(2 * half_width(profile(psf, kX), 0.01) == doctest::Approx(0.51 * 0.5 / 1.3).epsilon(0.03));
}

TEST_CASE("parameters that do not make a PSF are refused with what to do") {
  PsfParams p;
  CHECK(refusal(p) == "psf.model is not set; take gaussian, gibson_lanni or born_wolf");
  p.model = "gaussian";
  CHECK(refusal(p) ==
        "psf.model gaussian needs psf.numerical_aperture, psf.emission, psf.immersion_index, or psf.sigma; set them, "
        "or annotate the image with numerical_aperture, emission, refractive_index; of several channels, set "
        "psf.emission in 'params_by_channel'");
  p.model = "gibson_lanni", p.emission = Nanometres{500}, p.immersion_index = 1.33;
  CHECK(refusal(p) ==
        "psf.model gibson_lanni needs psf.numerical_aperture; set it, or annotate the image with numerical_aperture");
  p.numerical_aperture = 1.4;
  CHECK(refusal(p) == "psf.numerical_aperture is 1.4, allowed is less than psf.immersion_index, which is 1.33");
  p.numerical_aperture = 1.2;
  shared::check_psf(p, "psf.");
  p.sigma = {Micrometres{1}, Micrometres{1}, Micrometres{1}};
  CHECK(refusal(p) == "psf.sigma is set, but psf.model is gibson_lanni; take gaussian, or leave it out");
  p.sigma = {}, p.depth = Micrometres{5}, p.model = "born_wolf";
  CHECK(refusal(p) == "psf.depth is set, but psf.model is born_wolf; take gibson_lanni, or leave it out");
  p = kOil, p.numerical_aperture = 0.02, p.immersion_index = 1;
  CHECK(message_of<UserError>([&] {
          shared::psf_shape(p, {{9, 9, 9}, {{{0.2}, {0.1}, {0.1}}}});
        }).starts_with("the PSF would have "));
  p = aberrated(), p.depth = Micrometres{1000};
  CHECK(message_of<UserError>([&] {
          shared::make_psf(p, {{9, 9, 9}, {{{5.0}, {5.0}, {5.0}}}});
        }).starts_with("the PSF is blurred by aberration over "));
}

TEST_CASE("psf.model gives the model's PSF of the image's spacing, the same for any number of threads") {
  const Grid grid{{5, 6, 7}, {{{0.3}, {0.12}, {0.12}}}};
  const Volume image = make_volume<float>(grid, [](Index, Index, Index) { return 1; });
  const auto make = [&](int threads) {
    const KernelOutputs out = run_blocks(shipped_kernel("psf.model"),
                                         {{"numerical_aperture", 1.3}, {"emission", 500.0}, {"immersion_index", 1.518}},
                                         {{{"image", {image}}}, {}}, "image", {0, 0, 0}, Context(threads, nullptr));
    return std::get<Psf>(out.small.at("psf"));
  };
  const Psf psf = make(1);
  CHECK(psf.voxels == shared::make_psf(kOil, grid).voxels);
  CHECK(psf.grid.spacing == grid.spacing);
  CHECK(make(3).voxels == psf.voxels);
  CHECK(message_of<UserError>([] {
          shipped_kernel("psf.model").bind({{"emission", 500.0}});
        }) ==
        "kernel 'psf.model': model gibson_lanni needs numerical_aperture, immersion_index; set them, or annotate the "
        "image with numerical_aperture, refractive_index");
}
