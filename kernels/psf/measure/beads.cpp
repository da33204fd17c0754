#include "kernels/psf/measure/beads.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/shared/smooth.hpp"

namespace voxflow::beads {

namespace {
constexpr double kSmoothing = 1.0 / 8;  // sigma, of a bead's surroundings
constexpr double kWindow = 1.0 / 3;     // sigma of the weights of a centre
constexpr double kApart = 1.25;         // half-widths within which another peak touches
constexpr Index kMargin = 2;            // voxels that interpolation needs beyond the surroundings
constexpr int kRounds = 20;
constexpr float kStandOut = 8;  // standard deviations of the smoothed volume, which noise alone does not reach

template <class F>
void for_each_voxel(const Box3& box, const F& f) {
  for (Index z = box.origin[kZ]; z < box.end(kZ); ++z)
    for (Index y = box.origin[kY]; y < box.end(kY); ++y)
      for (Index x = box.origin[kX]; x < box.end(kX); ++x) f(Index3{z, y, x});
}

Box3 around(const Index3& at, const Index3& half) {
  return grow({at, {1, 1, 1}}, Halo::symmetric(half));
}

template <class T>
T median(std::vector<T> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Standard deviation that the median of distances from `middle` tells of.
float deviation(std::vector<float> values, float middle) {
  for (float& v : values) v = std::abs(v - middle);
  return 1.4826F * median(std::move(values));
}

Index3 whole(const Point3& p) {
  return {std::lround(p[kZ]), std::lround(p[kY]), std::lround(p[kX])};
}

// Higher than all within half of its surroundings; of equal ones, the first.
bool is_peak(VolumeView<const float> smooth, const Index3& at, const Index3& reach) {
  const float here = smooth(at[kZ], at[kY], at[kX]);
  bool highest = true;
  for_each_voxel(intersect(around(at, reach), {{0, 0, 0}, smooth.shape()}), [&](const Index3& p) {
    const float there = smooth(p[kZ], p[kY], p[kX]);
    highest = highest && (there < here || (there == here && !(p < at)));
  });
  return highest;
}

bool is_on_face(const Index3& offset, const Index3& half) {
  for (std::size_t i = 0; i < 3; ++i)
    if (half[i] > 0 && std::abs(offset[i]) == half[i]) return true;
  return false;
}

// Weights of four voxels for a place `part` behind the second (cubic convolution, Keys 1981,
// doi:10.1109/TASSP.1981.1163711).
std::array<double, 4> cubic(double part) {
  const double p = part, q = 1 - part;
  return {-0.5 * p * q * q, 1 + p * p * (1.5 * p - 2.5), 1 + q * q * (1.5 * q - 2.5), -0.5 * q * p * p};
}
}  // namespace

std::vector<Bead> find(VolumeView<const float> volume, const Search& search, const Context& ctx) {
  const Index3& shape = volume.shape();
  std::vector<float> smooth(volume.data(), volume.data() + count(shape));
  const float background = median(smooth);
  std::array<double, 3> sigma{};
  Index3 reach{}, inside{};
  for (std::size_t i = 0; i < 3; ++i) {
    const Index half = search.half_voxels[i];
    sigma[i] = half > 0 ? std::max(1.0, kSmoothing * static_cast<double>(half)) : 0;
    reach[i] = (half + 1) / 2;
    inside[i] = half > 0 ? half + kMargin : 0;
  }
  shared::smooth({smooth.data(), shape}, sigma, ctx);
  const VolumeView<const float> view(smooth.data(), shape);
  const float highest = *std::max_element(smooth.begin(), smooth.end());
  const float least = std::max(background + static_cast<float>(search.threshold) * (highest - background),
                               background + kStandOut * deviation(smooth, background));
  std::vector<Bead> beads;
  for (Index z = 0; z < shape[kZ] && !ctx.cancelled(); ++z)
    for_each_voxel({{z, 0, 0}, {1, shape[kY], shape[kX]}}, [&](const Index3& at) {
      const float here = view(at[kZ], at[kY], at[kX]);
      if (!(here > background) || here < least || !is_peak(view, at, reach)) return;
      Bead bead;
      for (std::size_t i = 0; i < 3; ++i) bead.centre[i] = static_cast<double>(at[i]);
      bead.height = static_cast<double>(here - background);
      beads.push_back(bead);
    });
  for (Bead& bead : beads) {
    const Box3 box = around(whole(bead.centre), inside);
    const bool touches = std::any_of(beads.begin(), beads.end(), [&](const Bead& other) {
      bool near = &other != &bead;
      for (std::size_t i = 0; i < 3; ++i)
        near =
            near && std::abs(other.centre[i] - bead.centre[i]) <= kApart * static_cast<double>(search.half_voxels[i]);
      return near;
    });
    if (touches) {
      bead.fate = Fate::touching;
    } else if (!contains({{0, 0, 0}, shape}, box)) {
      bead.fate = Fate::at_face;
    } else {
      int clipped = 0;
      for_each_voxel(box,
                     [&](const Index3& p) { clipped += volume(p[kZ], p[kY], p[kX]) >= search.saturation ? 1 : 0; });
      if (clipped >= search.clipped_voxels) bead.fate = Fate::saturated;
    }
  }
  return beads;
}

void add(VolumeView<const float> volume, Bead& bead, const Index3& half, std::vector<double>& sum) {
  const Index3 at = whole(bead.centre);
  const Box3 box = around(at, half);
  std::vector<double> faces;
  for_each_voxel(box, [&](const Index3& p) {
    if (is_on_face({p[kZ] - at[kZ], p[kY] - at[kY], p[kX] - at[kX]}, half))
      faces.push_back(static_cast<double>(volume(p[kZ], p[kY], p[kX])));
  });
  const double background = median(faces);
  // Its centre of light, with weights that go along with it.
  Point3 centre = bead.centre;
  for (int round = 0; round < kRounds; ++round) {
    double light = 0;
    Point3 moment{};
    for_each_voxel(box, [&](const Index3& p) {
      double distance = 0;
      for (std::size_t i = 0; i < 3; ++i)
        if (half[i] > 0)
          distance += std::pow((static_cast<double>(p[i]) - centre[i]) / (kWindow * static_cast<double>(half[i])), 2);
      const double v =
          std::exp(-0.5 * distance) * std::max(static_cast<double>(volume(p[kZ], p[kY], p[kX])) - background, 0.0);
      light += v;
      for (std::size_t i = 0; i < 3; ++i) moment[i] += v * static_cast<double>(p[i]);
    });
    for (std::size_t i = 0; i < 3; ++i)
      centre[i] = std::clamp(moment[i] / light, bead.centre[i] - 1, bead.centre[i] + 1);
  }
  bead.centre = centre;
  std::array<std::array<double, 4>, 3> weights{};
  Index3 first{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double floor = std::floor(centre[i]);
    weights[i] = half[i] > 0 ? cubic(centre[i] - floor) : std::array<double, 4>{0, 1, 0, 0};
    first[i] = static_cast<Index>(floor) - 1;
  }
  auto* to = sum.data();
  for_each_voxel({{-half[kZ], -half[kY], -half[kX]}, {2 * half[kZ] + 1, 2 * half[kY] + 1, 2 * half[kX] + 1}},
                 [&](const Index3& offset) {
                   double v = 0;
                   for (Index k = 0; k < 4; ++k)
                     for (Index j = 0; j < 4; ++j)
                       for (Index i = 0; i < 4; ++i) {
                         const double w = weights[kZ][static_cast<std::size_t>(k)] *
                                          weights[kY][static_cast<std::size_t>(j)] *
                                          weights[kX][static_cast<std::size_t>(i)];
                         if (w == 0) continue;
                         v += w * static_cast<double>(volume(first[kZ] + offset[kZ] + k, first[kY] + offset[kY] + j,
                                                             first[kX] + offset[kX] + i));
                       }
                   *to++ += v - background;
                 });
}

std::vector<float> as_psf(std::vector<double> sum, const Index3& half) {
  const Box3 box{{-half[kZ], -half[kY], -half[kX]}, {2 * half[kZ] + 1, 2 * half[kY] + 1, 2 * half[kX] + 1}};
  double left = 0, faces = 0;
  auto v = sum.begin();
  for_each_voxel(box, [&](const Index3& offset) {
    if (is_on_face(offset, half)) left += *v, ++faces;
    ++v;
  });
  double light = 0;
  for (double& s : sum) light += s = std::max(s - left / faces, 0.0);
  std::vector<float> psf;
  for (const double s : sum) psf.push_back(static_cast<float>(s / light));
  return psf;
}

}  // namespace voxflow::beads
