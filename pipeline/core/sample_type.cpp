#include "pipeline/core/sample_type.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"

namespace voxflow {

namespace {
struct Named {
  std::string_view name;
  std::size_t bytes;
  DType stored;
};

// In the order of SampleType.
constexpr std::array kTypes{Named{"uint8", 1, DType::uint8},     Named{"uint16", 2, DType::uint16},
                            Named{"uint32", 4, DType::uint32},   Named{"int8", 1, DType::float32},
                            Named{"int16", 2, DType::float32},   Named{"int32", 4, DType::float32},
                            Named{"float32", 4, DType::float32}, Named{"float64", 8, DType::float32}};

const Named& facts(SampleType t) {
  return kTypes.at(static_cast<std::size_t>(t));
}

template <class From>
void check_kept(From v) {
  if constexpr (std::is_same_v<From, std::int32_t>) {
    if (static_cast<std::int64_t>(static_cast<float>(v)) != v)
      throw UserError(
          fmt::format("a voxel is {}; signed integers are kept as float32, which holds whole numbers up to "
                      "16777216 exactly: save it as unsigned integers or floats",
                      v));
  } else if constexpr (std::is_same_v<From, double>) {
    if (std::isfinite(v) && std::abs(v) > static_cast<double>(std::numeric_limits<float>::max()))
      throw UserError(
          fmt::format("a voxel is {}, beyond the range of float32, as which it would be kept: scale it", v));
  }
}

template <class From>
void widen(const void* samples, std::size_t n, void* voxels) {
  const auto* from = static_cast<const unsigned char*>(samples);
  auto* to = static_cast<unsigned char*>(voxels);
  for (std::size_t i = 0; i < n; ++i) {
    From v;
    std::memcpy(&v, from + i * sizeof v, sizeof v);
    check_kept(v);
    const auto stored = static_cast<float>(v);
    std::memcpy(to + i * sizeof stored, &stored, sizeof stored);
  }
}
}  // namespace

std::string_view to_string(SampleType t) {
  return facts(t).name;
}

std::optional<SampleType> sample_type_from(std::string_view name) {
  for (std::size_t i = 0; i < kTypes.size(); ++i)
    if (kTypes.at(i).name == name) return static_cast<SampleType>(i);
  return std::nullopt;
}

std::size_t size_bytes(SampleType t) {
  return facts(t).bytes;
}

DType stored_dtype(SampleType t) {
  return facts(t).stored;
}

void store_samples(SampleType t, const void* samples, std::size_t n, void* voxels) {
  switch (t) {
    case SampleType::int8:
      return widen<std::int8_t>(samples, n, voxels);
    case SampleType::int16:
      return widen<std::int16_t>(samples, n, voxels);
    case SampleType::int32:
      return widen<std::int32_t>(samples, n, voxels);
    case SampleType::float64:
      return widen<double>(samples, n, voxels);
    default:
      std::memcpy(voxels, samples, n * size_bytes(t));
  }
}

}  // namespace voxflow
