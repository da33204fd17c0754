// From voxels to pixels: how much is averaged or enlarged, and how long a scale bar is.
#pragma once
#include "pipeline/preview/views.hpp"

namespace voxflow::preview {

/// Pixels of a picture's longer side: never more than `most`, and at least `least` where a whole factor allows it.
struct Size {
  Index least = 1024, most = 1600;
};

struct Scale {
  Index3 bin{1, 1, 1};      // voxels that are averaged into one, z-y-x
  double um_per_pixel = 1;  // the same along both sides of each view
};

/// Enlarges small volumes by a whole factor and reduces large ones by a whole number of voxels. With sides, the picture
/// is as much longer as the volume is deep.
Scale fitting_scale(const Grid& grid, Sides sides, const Size& size);

/// Pixels that `axis` of the volume takes, at least one.
Index pixels_along(const Grid& grid, Axis axis, const Scale& scale);

/// The largest of 1, 2 and 5 times a power of ten that is not above `most`, which is positive.
double round_length(double most);

}  // namespace voxflow::preview
