// Non-owning views of 3-D voxel arrays.
#pragma once
#include <cstring>
#include <type_traits>

#include "pipeline/core/geometry.hpp"

namespace voxflow {

/// A view of voxels in z-y-x order with x fastest; does not own them. Strides are in voxels.
template <class T>
class VolumeView {
 public:
  VolumeView() = default;
  VolumeView(T* data, const Index3& shape) : VolumeView(data, shape, {shape[kY] * shape[kX], shape[kX], 1}) {}
  VolumeView(T* data, const Index3& shape, const Index3& stride) : data_(data), shape_(shape), stride_(stride) {}
  /// A view of mutable voxels is a view of constant ones.
  operator VolumeView<const T>() const requires(!std::is_const_v<T>) { return {data_, shape_, stride_}; }

  T& operator()(Index z, Index y, Index x) const { return data_[z * stride_[kZ] + y * stride_[kY] + x * stride_[kX]]; }
  /// First voxel of the row (z, y); shape()[kX] voxels follow contiguously.
  T* row(Index z, Index y) const { return data_ + z * stride_[kZ] + y * stride_[kY]; }
  T* data() const { return data_; }
  const Index3& shape() const { return shape_; }
  const Index3& stride() const { return stride_; }
  bool contiguous() const {
    return stride_[kX] == 1 && stride_[kY] == shape_[kX] && stride_[kZ] == shape_[kY] * shape_[kX];
  }
  /// The part of this view in `box`, whose origin counts from this view's first voxel.
  VolumeView sub(const Box3& box) const {
    return {&(*this)(box.origin[kZ], box.origin[kY], box.origin[kX]), box.extent, stride_};
  }

 private:
  T* data_ = nullptr;
  Index3 shape_{}, stride_{};
};

/// Copies voxels between views of equal shape with contiguous rows.
template <class T>
void copy_voxels(VolumeView<const std::type_identity_t<T>> from, VolumeView<T> to) {
  for (Index z = 0; z < from.shape()[kZ]; ++z)
    for (Index y = 0; y < from.shape()[kY]; ++y)
      std::memcpy(to.row(z, y), from.row(z, y), static_cast<std::size_t>(from.shape()[kX]) * sizeof(T));
}

}  // namespace voxflow
