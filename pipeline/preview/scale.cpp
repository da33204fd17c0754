#include "pipeline/preview/scale.hpp"

#include <algorithm>
#include <cmath>

namespace voxflow::preview {

namespace {
constexpr double kSlack = 1e-6;  // relative, for quotients of spacings that should be whole
}

Scale fitting_scale(const Grid& grid, Sides sides, const Size& size) {
  const auto spacing = [&](Axis axis) { return grid.spacing[axis].value; };
  const auto field = [&](Axis axis) { return static_cast<double>(grid.shape[axis]) * spacing(axis); };
  const double finest = std::min(spacing(kY), spacing(kX)), depth = sides == Sides::both ? field(kZ) : 0;
  const double pixels = (std::max(field(kY), field(kX)) + depth) / finest;
  const auto most = static_cast<double>(size.most), least = static_cast<double>(size.least);
  Scale scale;
  const double wanted = std::ceil(least / pixels * (1 - kSlack)), allowed = std::floor(most / pixels * (1 + kSlack));
  if (allowed < 1)
    scale.um_per_pixel = finest * std::ceil(pixels / most * (1 - kSlack));
  else
    scale.um_per_pixel = finest / std::clamp(wanted, 1.0, allowed);
  for (const Axis axis : {kZ, kY, kX})
    scale.bin[axis] = std::max<Index>(1, static_cast<Index>(scale.um_per_pixel / spacing(axis) * (1 + kSlack)));
  return scale;
}

Index pixels_along(const Grid& grid, Axis axis, const Scale& scale) {
  const double pixels = static_cast<double>(grid.shape[axis]) * grid.spacing[axis].value / scale.um_per_pixel;
  return std::max<Index>(1, static_cast<Index>(std::ceil(pixels * (1 - kSlack))));
}

double round_length(double most) {
  const double decade = std::pow(10, std::floor(std::log10(most)));
  for (const double step : {10.0, 5.0, 2.0})
    if (step * decade <= most * (1 + kSlack)) return step * decade;
  return decade;
}

}  // namespace voxflow::preview
