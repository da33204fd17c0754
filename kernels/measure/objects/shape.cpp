#include "kernels/measure/objects/shape.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace voxflow::objects {

namespace {
using Matrix3 = std::array<std::array<double, 3>, 3>;

double dot(const Point3& a, const Point3& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
Point3 cross(const Point3& a, const Point3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
Point3 unit(const Point3& v) {
  const double length = std::sqrt(dot(v, v));
  return {v[0] / length, v[1] / length, v[2] / length};
}

// Turns `m` about one pair of axes after the other until it is diagonal (Jacobi); columns of `vectors` follow.
void diagonalise(Matrix3& m, Matrix3& vectors) {
  vectors = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  for (int sweep = 0; sweep < 50; ++sweep)
    for (std::size_t p = 0; p < 2; ++p)
      for (std::size_t q = p + 1; q < 3; ++q) {
        if (m[p][q] == 0) continue;
        const double theta = (m[q][q] - m[p][p]) / (2 * m[p][q]);
        const double t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double cosine = 1 / std::sqrt(t * t + 1), sine = t * cosine;
        for (std::size_t i = 0; i < 3; ++i) {
          const double a = m[i][p], b = m[i][q];
          m[i][p] = cosine * a - sine * b, m[i][q] = sine * a + cosine * b;
        }
        for (std::size_t i = 0; i < 3; ++i) {
          const double a = m[p][i], b = m[q][i];
          m[p][i] = cosine * a - sine * b, m[q][i] = sine * a + cosine * b;
        }
        m[p][q] = m[q][p] = 0;
        for (std::size_t i = 0; i < 3; ++i) {
          const double a = vectors[i][p], b = vectors[i][q];
          vectors[i][p] = cosine * a - sine * b, vectors[i][q] = sine * a + cosine * b;
        }
      }
}

// Solid angle of the triangle of three unit vectors (Van Oosterom and Strackee, doi:10.1109/TBME.1983.325207).
double solid_angle(const Point3& a, const Point3& b, const Point3& c) {
  return 2 * std::atan2(std::abs(dot(a, cross(b, c))), 1 + dot(a, b) + dot(b, c) + dot(c, a));
}

// Solid angle of the part of the sphere that is nearer to `centre` than to any of `others`.
double cell_of(const Point3& centre, const std::vector<Point3>& others) {
  std::vector<Point3> planes;  // the cell is where the product with each of them is not negative
  for (const Point3& o : others) planes.push_back({centre[0] - o[0], centre[1] - o[1], centre[2] - o[2]});
  std::vector<Point3> corners;
  for (std::size_t i = 0; i < planes.size(); ++i)
    for (std::size_t j = i + 1; j < planes.size(); ++j) {
      Point3 corner = cross(planes[i], planes[j]);
      if (dot(corner, corner) < 1e-24) continue;
      corner = unit(corner);
      if (dot(corner, centre) < 0) corner = {-corner[0], -corner[1], -corner[2]};
      if (std::all_of(planes.begin(), planes.end(), [&](const Point3& p) { return dot(p, corner) > -1e-12; }))
        corners.push_back(corner);
    }
  const Point3 east = unit(cross(centre, std::abs(centre[0]) < 0.7 ? Point3{1, 0, 0} : Point3{0, 1, 0}));
  const Point3 north = cross(centre, east);
  const auto angle = [&](const Point3& c) { return std::atan2(dot(c, north), dot(c, east)); };
  std::sort(corners.begin(), corners.end(), [&](const Point3& a, const Point3& b) { return angle(a) < angle(b); });
  double sum = 0;
  for (std::size_t i = 0; i < corners.size(); ++i)
    sum += solid_angle(centre, corners[i], corners[(i + 1) % corners.size()]);
  return sum;
}
}  // namespace

Ellipsoid ellipsoid_of(std::int64_t voxels, const Index3& coordinate_sum, const ProductSums& products,
                       const Grid& grid) {
  const Spacing3& spacing = grid.spacing;
  constexpr std::array<std::pair<std::size_t, std::size_t>, 6> kPairs{
      {{kZ, kZ}, {kY, kY}, {kX, kX}, {kZ, kY}, {kZ, kX}, {kY, kX}}};
  const auto n = static_cast<double>(voxels);
  Matrix3 covariance{}, vectors{};
  for (std::size_t k = 0; k < kPairs.size(); ++k) {
    const auto [i, j] = kPairs[k];
    // Whole numbers up to here, so that nothing cancels however far from the volume's origin the object lies.
    const Wide central = voxels * products[k] - static_cast<Wide>(coordinate_sum[i]) * coordinate_sum[j];
    covariance[i][j] = covariance[j][i] = static_cast<double>(central) / n / n * spacing[i].value * spacing[j].value;
  }
  diagonalise(covariance, vectors);
  std::array<std::size_t, 3> order{0, 1, 2};
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return covariance[a][a] > covariance[b][b]; });
  const double parts = grid.shape[kZ] == 1 ? 4 : 5;
  Ellipsoid e;
  for (std::size_t k = 0; k < 3; ++k) {
    const double variance = covariance[order[k]][order[k]];
    // The variance of a solid ellipsoid along an axis is a fifth of the squared half of it, that of a filled ellipse a
    // quarter. What rounding left is no length.
    e.axes_um[k] = variance > 1e-14 * covariance[order[0]][order[0]] ? 2 * std::sqrt(parts * variance) : 0;
    e.longest[k] = vectors[k][order[0]];
  }
  const auto largest = std::max_element(e.longest.begin(), e.longest.end(),
                                        [](double a, double b) { return std::abs(a) < std::abs(b); });
  if (*largest < 0)
    for (double& v : e.longest) v = 0 - v;
  return e;
}

Crofton::Crofton(const Spacing3& spacing) {
  std::vector<Point3> directions;
  std::array<double, 13> length_um{};
  for (std::size_t i = 0; i < kDirections.size(); ++i) {
    Point3 step{};
    for (std::size_t axis = 0; axis < 3; ++axis)
      step[axis] = static_cast<double>(kDirections[i][axis]) * spacing[axis].value;
    length_um[i] = std::sqrt(dot(step, step));
    directions.push_back(unit(step));
  }
  const double voxel_um3 = spacing[kZ].value * spacing[kY].value * spacing[kX].value;
  for (std::size_t i = 0; i < kDirections.size(); ++i) {
    std::vector<Point3> others;
    for (std::size_t j = 0; j < kDirections.size(); ++j) {
      if (j != i) others.push_back(directions[j]);
      others.push_back({-directions[j][0], -directions[j][1], -directions[j][2]});
    }
    weights_[i] = cell_of(directions[i], others) / (2 * std::numbers::pi);
    // The mean over all directions of the area of lines times their crossings is half of the surface.
    um2_per_crossing_[i] = 2 * weights_[i] * voxel_um3 / length_um[i];
  }
}

double Crofton::surface_um2(const Crossings& crossings) const {
  double sum = 0;
  for (std::size_t i = 0; i < crossings.size(); ++i) sum += um2_per_crossing_[i] * static_cast<double>(crossings[i]);
  return sum;
}

}  // namespace voxflow::objects
