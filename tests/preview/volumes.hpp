// Small volumes that exist as a formula.
#pragma once
#include <functional>

#include "pipeline/preview/render.hpp"

namespace voxflow::test {

template <class T>
using Formula = std::function<T(Index z, Index y, Index x)>;

template <class T>
preview::ReadBox<T> volume_of(Formula<T> formula) {
  return [formula = std::move(formula)](const Box3& box, VolumeView<T> to) {
    for (Index z = 0; z < box.extent[kZ]; ++z)
      for (Index y = 0; y < box.extent[kY]; ++y)
        for (Index x = 0; x < box.extent[kX]; ++x)
          to(z, y, x) = formula(box.origin[kZ] + z, box.origin[kY] + y, box.origin[kX] + x);
  };
}

inline Grid grid_of(const Index3& shape, double z_um = 1, double xy_um = 1) {
  return {shape, {{{z_um}, {xy_um}, {xy_um}}}};
}

}  // namespace voxflow::test
