#include "pipeline/core/transform.hpp"

#include <cmath>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/units.hpp"

namespace voxflow {

Point3 Affine3::operator()(const Point3& fixed_um) const {
  Point3 moving{};
  for (std::size_t i = 0; i < 3; ++i)
    moving[i] =
        matrix[i][0] * fixed_um[0] + matrix[i][1] * fixed_um[1] + matrix[i][2] * fixed_um[2] + translation_um[i];
  return moving;
}

Affine3 compose(const Affine3& second, const Affine3& first) {
  Affine3 r;
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) {
      r.matrix[i][j] = 0;
      for (std::size_t k = 0; k < 3; ++k) r.matrix[i][j] += second.matrix[i][k] * first.matrix[k][j];
    }
  r.translation_um = second(first.translation_um);
  return r;
}

Affine3 inverse(const Affine3& a) {
  const auto& m = a.matrix;
  const auto minor = [&](std::size_t i, std::size_t j) {
    const std::size_t i1 = (i + 1) % 3, i2 = (i + 2) % 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
    return m[i1][j1] * m[i2][j2] - m[i1][j2] * m[i2][j1];
  };
  const double det = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
  // Against the volume that the rows would span at right angles, so that the unit of length does not matter.
  const auto length = [](const std::array<double, 3>& v) { return std::hypot(v[0], v[1], v[2]); };
  if (!(std::abs(det) > 1e-12 * length(m[0]) * length(m[1]) * length(m[2])))
    throw UserError(fmt::format("the transform cannot be inverted: determinant {}", det));
  Affine3 r;
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) r.matrix[i][j] = minor(j, i) / det;
  r.translation_um = {0, 0, 0};
  const Point3 back = r(a.translation_um);
  r.translation_um = {-back[0], -back[1], -back[2]};
  return r;
}

Affine3 TransformSet::at(int t, int c) const {
  const Entry* best = nullptr;
  int best_score = -1;
  for (const Entry& e : entries) {
    if ((e.t != -1 && e.t != t) || (e.c != -1 && e.c != c)) continue;
    const int score = (e.t != -1 ? 2 : 0) + (e.c != -1 ? 1 : 0);
    if (score > best_score) best = &e, best_score = score;
  }
  return best != nullptr ? best->transform : Affine3{};
}

std::string TransformSet::to_json() const {
  std::string out =
      "{\"format\":\"voxflow-transform\",\"format_version\":1,\"unit\":\"um\",\"axes\":\"zyx\",\"maps\":"
      "\"fixed to moving\",\"transforms\":[";
  bool first = true;
  for (const Entry& e : entries) {
    out += fmt::format("{}{{\"t\":{},\"c\":{},\"matrix\":[", first ? "" : ",", e.t, e.c);
    for (std::size_t i = 0; i < 3; ++i)
      out += fmt::format("{}[{},{},{},{}]", i > 0 ? "," : "", format_number(e.transform.matrix[i][0]),
                         format_number(e.transform.matrix[i][1]), format_number(e.transform.matrix[i][2]),
                         format_number(e.transform.translation_um[i]));
    out += "]}";
    first = false;
  }
  return out + "]}\n";
}

Digest TransformSet::content_digest() const {
  return sha256(to_json());
}

}  // namespace voxflow
