#include "pipeline/core/dtype.hpp"

namespace voxflow {

std::string_view to_string(DType t) {
  switch (t) {
    case DType::uint8:
      return "uint8";
    case DType::uint16:
      return "uint16";
    case DType::uint32:
      return "uint32";
    default:
      return "float32";
  }
}

std::optional<DType> dtype_from(std::string_view name) {
  for (const DType t : {DType::uint8, DType::uint16, DType::uint32, DType::float32})
    if (to_string(t) == name) return t;
  return std::nullopt;
}

}  // namespace voxflow
