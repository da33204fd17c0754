// The rule on smaller copies: each is what the level before it makes, and labels are those of the image.
#include <algorithm>
#include <cmath>
#include <unordered_set>

#include <fmt/format.h>

#include "pipeline/archive/checked_image.hpp"
#include "pipeline/archive/image_file.hpp"
#include "pipeline/archive/layout.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::archive {

namespace {
template <class T>
using Voxels = std::vector<T>;

template <class T>
Voxels<T> read_box(const ImageReader& reader, int t, int c, const Box3& box, std::size_t level) {
  Voxels<T> voxels(static_cast<std::size_t>(count(box.extent)));
  reader.read(t, c, box, VolumeView<T>(voxels.data(), box.extent), level);
  return voxels;
}

/// f(box) for every chunk of a level.
template <class F>
void for_each_chunk(const Level& level, F&& f) {
  for (Index i = 0; i < count(level.counts); ++i) {
    const Index3 at = layout::chunk_at(static_cast<std::size_t>(i), level.counts);
    f(at, intersect({layout::chunk_origin(at, level.chunk), level.chunk}, level.grid.box()));
  }
}

/// Sums may be added in another order.
template <class T>
bool same(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return (std::isnan(a) && std::isnan(b)) || a == b || std::abs(a - b) <= 1e-5F * std::max(std::abs(a), std::abs(b));
  else
    return a == b;
}

template <class T>
class LevelsCheck {
 public:
  LevelsCheck(CheckedImage& image, const ImageReader& reader)
      : image_(image),
        reader_(reader),
        levels_(pyramid_levels(reader.info().grid)),
        reduction_(reduction_of(reader.info().kind)) {}

  void run() {
    if (reader_.levels() != levels_.size()) {
      image_.note("pyramid", fmt::format("it has {} levels", reader_.levels()),
                  fmt::format("{}: y and x are halved, and z where it is fine enough, until no axis exceeds 256",
                              levels_.size()),
                  "BigDataViewer opens it all the same, but slowly; make the artifact again for speed");
      return;
    }
    for (int t = 0; t < reader_.info().timepoints; ++t)
      for (int c = 0; c < reader_.info().channel_count(); ++c) check_volume(t, c);
  }

 private:
  void check_volume(int t, int c) {
    std::unordered_set<T> labels;
    const bool are_labels = reduction_ == Reduction::mode;
    if (are_labels && levels_.size() > 1)
      for_each_chunk(levels_[0], [&](const Index3&, const Box3& box) {
        T last{};
        for (const T label : read_box<T>(reader_, t, c, box, 0))
          if (label != last) labels.insert(last = label);
      });
    for (std::size_t level = 1; level < levels_.size(); ++level)
      for_each_chunk(levels_[level], [&](const Index3& at, const Box3& box) {
        const Voxels<T> found = read_box<T>(reader_, t, c, box, level);
        const auto foreign =
            std::find_if(found.begin(), found.end(), [&](T label) { return label != T{} && !labels.contains(label); });
        if (are_labels && foreign != found.end())
          image_.refuse("label-levels", layout::chunk_name(t, c, at, level), fmt::format("holds label {}", *foreign),
                        "labels of the image itself", kMakeAgain);
        else if (differs(found, t, c, box, level))
          image_.refuse("level-values", layout::chunk_name(t, c, at, level),
                        fmt::format("is not the {} of the level before", are_labels ? "mode" : "mean"),
                        are_labels ? "the most frequent label" : "the mean of the voxels that it stands for",
                        kMakeAgain);
      });
  }

  bool differs(const Voxels<T>& found, int t, int c, const Box3& box, std::size_t level) const {
    const Index3& steps = levels_[level].steps;
    const Index3& finer = levels_[level - 1].grid.shape;
    Box3 from;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      from.origin[axis] = box.origin[axis] * steps[axis];
      from.extent[axis] = std::min(box.extent[axis] * steps[axis], finer[axis] - from.origin[axis]);
    }
    const Voxels<T> fine = read_box<T>(reader_, t, c, from, level - 1);
    Voxels<T> wanted(found.size());
    reduce(fine.data(), from.extent, steps, dtype_of<T>(), reduction_, wanted.data(), box.extent, box.extent);
    return !std::equal(found.begin(), found.end(), wanted.begin(), [](T a, T b) { return same(a, b); });
  }

  CheckedImage& image_;
  const ImageReader& reader_;
  std::vector<Level> levels_;
  Reduction reduction_;
};
}  // namespace

void check_levels(CheckedImage& image) {
  const ImageReader reader(image.file);
  visit_dtype(reader.info().dtype, [&]<class T>(T*) { LevelsCheck<T>(image, reader).run(); });
}

}  // namespace voxflow::archive
