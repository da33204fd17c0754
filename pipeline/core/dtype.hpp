// Voxel types: what is in memory and on disk, and the conversions between them.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

namespace voxflow {

/// The voxel types an artifact may hold. The names are those of the archive's dataType attribute.
enum class DType : std::uint8_t { uint8, uint16, uint32, float32 };

std::string_view to_string(DType t);
std::optional<DType> dtype_from(std::string_view name);

constexpr std::size_t size_bytes(DType t) {
  return t == DType::uint8 ? 1 : t == DType::uint16 ? 2 : 4;
}

template <class T>
constexpr DType dtype_of() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<U, std::uint8_t>)
    return DType::uint8;
  else if constexpr (std::is_same_v<U, std::uint16_t>)
    return DType::uint16;
  else if constexpr (std::is_same_v<U, std::uint32_t>)
    return DType::uint32;
  else {
    static_assert(std::is_same_v<U, float>, "voxels are uint8, uint16, uint32 or float");
    return DType::float32;
  }
}

/// Calls `f` with a null pointer of the C++ type of `t`:
/// visit_dtype(t, []<class T>(T*) { ... }).
template <class F>
decltype(auto) visit_dtype(DType t, F&& f) {
  switch (t) {
    case DType::uint8:
      return f(static_cast<std::uint8_t*>(nullptr));
    case DType::uint16:
      return f(static_cast<std::uint16_t*>(nullptr));
    case DType::uint32:
      return f(static_cast<std::uint32_t*>(nullptr));
    default:
      return f(static_cast<float*>(nullptr));
  }
}

/// Converts a voxel: to an integer by rounding half to even and clamping to its range, NaN becomes 0.
template <class To, class From>
constexpr To convert_voxel(From v) {
  if constexpr (std::is_same_v<To, From>) {
    return v;
  } else if constexpr (std::is_floating_point_v<To>) {
    return static_cast<To>(v);
  } else if constexpr (std::is_floating_point_v<From>) {
    if (!(v > From(0))) return To(0);
    if (v >= static_cast<From>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    return static_cast<To>(std::nearbyint(v));
  } else {
    return v > std::numeric_limits<To>::max() ? std::numeric_limits<To>::max() : static_cast<To>(v);
  }
}

}  // namespace voxflow
