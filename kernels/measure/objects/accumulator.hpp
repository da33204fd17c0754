// What is gathered about each object while blocks are surveyed; every member is exact, so blocks add up in any order.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "kernels/measure/objects/fixed_point.hpp"
#include "kernels/measure/objects/shape.hpp"
#include "pipeline/sdk/block.hpp"

namespace voxflow::objects {

/// One channel's finite intensities inside one object.
struct Intensity {
  std::uint64_t count = 0;
  float min = std::numeric_limits<float>::infinity(), max = -std::numeric_limits<float>::infinity();
  ExactSum sum;
  ExactSquareSum squares;
  void add(float v);
  void add(const Intensity& other);
  double mean() const;
  /// Standard deviation of the voxels themselves (divided by their number).
  double standard_deviation() const;
};

/// Voxel coordinates are those of the volume.
struct Object {
  std::int64_t voxels = 0;
  Index3 low{}, high{};  // first and last voxel of the bounding box
  Index3 coordinate_sum{};
  ProductSums products{};
  Crossings crossings{};
  std::vector<Intensity> channels;
  /// Adds the voxels [x, x + length) of row (z, y).
  void add_run(Index z, Index y, Index x, Index length);
  void add(const Object& other);
};

/// The objects of a block or of a volume, by label.
class Objects {
 public:
  Objects() = default;
  /// Surveys the voxels of `core`, of a volume of `shape`. `labels` have one voxel more on every side; what of it lies
  /// outside the volume counts as background.
  Objects(VolumeView<const std::uint32_t> labels, const Box3& core, const Index3& shape,
          const std::vector<VolumeView<const float>>& channels, const Context& ctx);
  void add(const Objects& other);
  const std::map<std::uint32_t, Object>& by_label() const { return objects_; }
  std::size_t channels() const { return channels_; }
  void encode(ByteWriter& out) const;
  static Objects decode(ByteReader& in);

 private:
  std::size_t channels_ = 0;
  std::map<std::uint32_t, Object> objects_;
};

}  // namespace voxflow::objects
