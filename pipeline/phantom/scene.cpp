#include "pipeline/phantom/scene.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace voxflow::phantom {

namespace {
constexpr double kGapXy_um = 1.2, kGapZ_um = 2.0;  // between neighbours: about four sigma of the default PSF in z
constexpr double kEdge_um = 0.3;                   // over which a nucleus fades
constexpr double kRim_um = 0.25;                   // thickness of the envelope
constexpr int kTriesForAPlace = 400;
constexpr int kWaves = 6;

/// Voxel range along one axis that covers [low, high] um.
struct Range {
  Index begin, end;
};
Range voxels_within(const Grid& grid, std::size_t axis, double low_um, double high_um) {
  const double s = grid.spacing[axis].value;
  return {std::clamp<Index>(static_cast<Index>(std::floor(low_um / s)), 0, grid.shape[axis]),
          std::clamp<Index>(static_cast<Index>(std::ceil(high_um / s)) + 1, 0, grid.shape[axis])};
}

/// Calls f(voxel offset, position in um) for the voxels within `reach_um` of `centre_um`.
template <class F>
void for_each_near(const Grid& grid, const Point3& centre_um, const Point3& reach_um, F&& f) {
  std::array<Range, 3> r{};
  for (const std::size_t i : {kZ, kY, kX})
    r[i] = voxels_within(grid, i, centre_um[i] - reach_um[i], centre_um[i] + reach_um[i]);
  for (Index z = r[kZ].begin; z < r[kZ].end; ++z)
    for (Index y = r[kY].begin; y < r[kY].end; ++y)
      for (Index x = r[kX].begin; x < r[kX].end; ++x)
        f(static_cast<std::size_t>((z * grid.shape[kY] + y) * grid.shape[kX] + x),
          Point3{static_cast<double>(z) * grid.spacing[kZ].value, static_cast<double>(y) * grid.spacing[kY].value,
                 static_cast<double>(x) * grid.spacing[kX].value});
}

/// Distance from the centre in radii: below 1 inside.
double radii_from_centre(const Nucleus& n, const Point3& p) {
  const double dz = p[kZ] - n.centre_um[kZ], dy = p[kY] - n.centre_um[kY], dx = p[kX] - n.centre_um[kX];
  const double u = std::cos(n.angle) * dx + std::sin(n.angle) * dy, v = std::cos(n.angle) * dy - std::sin(n.angle) * dx;
  const double a = dz / n.radius_um[kZ], b = v / n.radius_um[kY], c = u / n.radius_um[kX];
  return std::sqrt(a * a + b * b + c * c);
}

Point3 reach(const Nucleus& n) {
  const double wide = std::max(n.radius_um[kY], n.radius_um[kX]) + kEdge_um + kRim_um;
  return {n.radius_um[kZ] + kEdge_um + kRim_um, wide, wide};
}

bool apart(const Nucleus& a, const Nucleus& b) {
  const double dz = (a.centre_um[kZ] - b.centre_um[kZ]) / (a.radius_um[kZ] + b.radius_um[kZ] + kGapZ_um);
  const double wide =
      std::max(a.radius_um[kY], a.radius_um[kX]) + std::max(b.radius_um[kY], b.radius_um[kX]) + kGapXy_um;
  const double dxy = std::hypot(a.centre_um[kY] - b.centre_um[kY], a.centre_um[kX] - b.centre_um[kX]) / wide;
  return dz * dz + dxy * dxy > 1;
}

/// A place at least `margin_um` away from every face; the middle where the volume is too thin.
Point3 random_place(const Grid& grid, const Point3& margin_um, Random& random) {
  Point3 p{};
  for (const std::size_t i : {kZ, kY, kX}) {
    const double length = static_cast<double>(grid.shape[i] - 1) * grid.spacing[i].value;
    p[i] = length > 2 * margin_um[i] ? random.uniform(margin_um[i], length - margin_um[i]) : length / 2;
  }
  return p;
}

double smooth_step(double v) {
  v = std::clamp(v, 0.0, 1.0);
  return v * v * (3 - 2 * v);
}

double texture(const Nucleus& n, const Point3& p) {
  double sum = 0;
  for (const Wave& w : n.texture) {
    double phase = w.phase;
    for (const std::size_t i : {kZ, kY, kX}) phase += w.per_um[i] * (p[i] - n.centre_um[i]);
    sum += std::cos(phase);
  }
  return sum / static_cast<double>(kWaves);
}

double light(const Nucleus& n, Stain stain, const Point3& p) {
  const double radius = (n.radius_um[kZ] + n.radius_um[kY] + n.radius_um[kX]) / 3;
  const double outside_um = (radii_from_centre(n, p) - 1) * radius;
  const double inside = smooth_step(0.5 - outside_um / kEdge_um);
  if (stain == Stain::chromatin) return n.brightness * inside * (0.75 + 0.25 * texture(n, p));
  const double from_rim = (outside_um + kRim_um) / kRim_um;
  return n.brightness * std::max(0.6 * inside, std::exp(-from_rim * from_rim / 2));
}

std::vector<double> gaussian_weights(double sigma_voxels) {
  const auto radius = static_cast<Index>(std::ceil(4 * sigma_voxels));
  std::vector<double> w;
  double sum = 0;
  for (Index i = -radius; i <= radius; ++i) {
    const double d = static_cast<double>(i) / sigma_voxels;
    w.push_back(std::exp(-d * d / 2));
    sum += w.back();
  }
  for (double& v : w) v /= sum;
  return w;
}

void blur_axis(std::vector<float>& voxels, const Index3& shape, std::size_t axis, const std::vector<double>& weights) {
  const Index n = shape[axis], radius = static_cast<Index>(weights.size() / 2);
  const Index stride = axis == kX ? 1 : axis == kY ? shape[kX] : shape[kY] * shape[kX];
  std::vector<float> line(static_cast<std::size_t>(n));
  const Index lines = count(shape) / n;
  for (Index l = 0; l < lines; ++l) {
    float* first = voxels.data() + (l / stride) * stride * n + l % stride;
    for (Index i = 0; i < n; ++i) line[static_cast<std::size_t>(i)] = first[i * stride];
    for (Index i = 0; i < n; ++i) {
      double sum = 0;
      for (Index k = -radius; k <= radius; ++k)
        sum += weights[static_cast<std::size_t>(k + radius)] *
               static_cast<double>(line[static_cast<std::size_t>(std::clamp<Index>(i + k, 0, n - 1))]);
      first[i * stride] = static_cast<float>(sum);
    }
  }
}
}  // namespace

std::vector<Nucleus> place_nuclei(const Grid& grid, int wanted, Random& random) {
  std::vector<Nucleus> placed;
  for (int i = 0; i < wanted; ++i) {
    Nucleus n;
    n.radius_um = {random.uniform(1.6, 2.1), random.uniform(1.6, 2.4), random.uniform(1.6, 2.4)};
    n.angle = random.uniform(0, std::numbers::pi);
    n.brightness = random.uniform(0.7, 1.0);
    for (int w = 0; w < kWaves; ++w) {
      Wave wave;
      for (double& k : wave.per_um) k = 2 * std::numbers::pi * random.uniform(-1, 1) / 1.2;
      wave.phase = random.uniform(0, 2 * std::numbers::pi);
      n.texture.push_back(wave);
    }
    for (int attempt = 0; attempt < kTriesForAPlace; ++attempt) {
      n.centre_um = random_place(grid, reach(n), random);
      if (std::all_of(placed.begin(), placed.end(), [&](const Nucleus& other) { return apart(n, other); })) {
        placed.push_back(n);
        break;
      }
    }
  }
  return placed;
}

std::vector<Bead> place_beads(const Grid& grid, int wanted, Random& random) {
  constexpr double kApartXy_um = 2, kApartZ_um = 4;
  const Point3 margin{2, 1, 1};
  std::vector<Bead> placed;
  for (int i = 0; i < wanted; ++i)
    for (int attempt = 0; attempt < kTriesForAPlace; ++attempt) {
      const Bead bead{random_place(grid, margin, random), random.uniform(0.7, 1.0)};
      const auto far = [&](const Bead& other) {
        const double dz = (bead.centre_um[kZ] - other.centre_um[kZ]) / kApartZ_um;
        const double dy = (bead.centre_um[kY] - other.centre_um[kY]) / kApartXy_um;
        const double dx = (bead.centre_um[kX] - other.centre_um[kX]) / kApartXy_um;
        return dz * dz + dy * dy + dx * dx > 1;
      };
      if (std::all_of(placed.begin(), placed.end(), far)) {
        placed.push_back(bead);
        break;
      }
    }
  return placed;
}

std::vector<float> render_nuclei(const Grid& grid, const std::vector<Nucleus>& nuclei, Stain stain,
                                 const Point3& shift_um) {
  std::vector<float> voxels(static_cast<std::size_t>(count(grid.shape)), 0.0F);
  for (Nucleus n : nuclei) {
    for (const std::size_t i : {kZ, kY, kX}) n.centre_um[i] += shift_um[i];
    for_each_near(grid, n.centre_um, reach(n),
                  [&](std::size_t at, const Point3& p) { voxels[at] += static_cast<float>(light(n, stain, p)); });
  }
  return voxels;
}

std::vector<float> render_beads(const Grid& grid, const std::vector<Bead>& beads, const Point3& psf_sigma_um,
                                const Point3& shift_um) {
  std::vector<float> voxels(static_cast<std::size_t>(count(grid.shape)), 0.0F);
  for (Bead bead : beads) {
    Point3 reach_um{};
    for (const std::size_t i : {kZ, kY, kX}) {
      bead.centre_um[i] += shift_um[i];
      reach_um[i] = 5 * psf_sigma_um[i];
    }
    for_each_near(grid, bead.centre_um, reach_um, [&](std::size_t at, const Point3& p) {
      double d2 = 0;
      for (const std::size_t i : {kZ, kY, kX}) d2 += std::pow((p[i] - bead.centre_um[i]) / psf_sigma_um[i], 2);
      voxels[at] += static_cast<float>(bead.brightness * std::exp(-d2 / 2));
    });
  }
  return voxels;
}

std::vector<std::uint16_t> label_nuclei(const Grid& grid, const std::vector<Nucleus>& nuclei) {
  std::vector<std::uint16_t> labels(static_cast<std::size_t>(count(grid.shape)), 0);
  for (std::size_t i = 0; i < nuclei.size(); ++i)
    for_each_near(grid, nuclei[i].centre_um, reach(nuclei[i]), [&](std::size_t at, const Point3& p) {
      if (radii_from_centre(nuclei[i], p) <= 1) labels[at] = static_cast<std::uint16_t>(i + 1);
    });
  return labels;
}

void blur(std::vector<float>& voxels, const Grid& grid, const Point3& sigma_um) {
  for (const std::size_t axis : {kZ, kY, kX})
    if (grid.shape[axis] > 1 && sigma_um[axis] > 0)
      blur_axis(voxels, grid.shape, axis, gaussian_weights(sigma_um[axis] / grid.spacing[axis].value));
}

}  // namespace voxflow::phantom
