// Voxel types of files: names, and what is kept of their values.
#include "pipeline/core/sample_type.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "pipeline/core/error.hpp"

using namespace voxflow;

namespace {
template <class To, class From>
std::vector<To> stored(SampleType type, const std::vector<From>& samples) {
  std::vector<To> voxels(samples.size());
  store_samples(type, samples.data(), samples.size(), voxels.data());
  return voxels;
}

template <class From>
std::string refusal(SampleType type, From v) {
  try {
    stored<float, From>(type, {v});
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}
}  // namespace

TEST_CASE("every type is found by its name and has its size") {
  for (const auto& [name, bytes] : std::array<std::pair<const char*, std::size_t>, 8>{{{"uint8", 1},
                                                                                       {"uint16", 2},
                                                                                       {"uint32", 4},
                                                                                       {"int8", 1},
                                                                                       {"int16", 2},
                                                                                       {"int32", 4},
                                                                                       {"float32", 4},
                                                                                       {"float64", 8}}}) {
    const auto type = sample_type_from(name);
    REQUIRE(type.has_value());
    CHECK(to_string(*type) == name);
    CHECK(size_bytes(*type) == bytes);
  }
  CHECK_FALSE(sample_type_from("int64").has_value());
}

TEST_CASE("unsigned integers and floats stay as they are, other types become float32") {
  CHECK(stored_dtype(SampleType::uint8) == DType::uint8);
  CHECK(stored_dtype(SampleType::uint32) == DType::uint32);
  for (const auto type : {SampleType::int8, SampleType::int16, SampleType::int32, SampleType::float64})
    CHECK(stored_dtype(type) == DType::float32);
  CHECK(stored<std::uint32_t, std::uint32_t>(SampleType::uint32, {0, 4'294'967'295}) ==
        std::vector<std::uint32_t>{0, 4'294'967'295});
  CHECK(stored<float, std::int16_t>(SampleType::int16, {-32768, 32767}) == std::vector<float>{-32768, 32767});
  CHECK(stored<float, std::int32_t>(SampleType::int32, {-16'777'216, 33'554'432}) ==
        std::vector<float>{-16'777'216, 33'554'432});
  CHECK(stored<float, double>(SampleType::float64, {0.1, -1e30}) == std::vector<float>{0.1F, -1e30F});
}

TEST_CASE("not-a-number and infinity come over") {
  const auto voxels =
      stored<float, double>(SampleType::float64, {std::nan(""), std::numeric_limits<double>::infinity()});
  CHECK(std::isnan(voxels[0]));
  CHECK(std::isinf(voxels[1]));
}

TEST_CASE("a value that float32 cannot keep is refused, and named") {
  CHECK(refusal<std::int32_t>(SampleType::int32, 16'777'217) ==
        "a voxel is 16777217; signed integers are kept as float32, which holds whole numbers up to 16777216 exactly: "
        "save it as unsigned integers or floats");
  CHECK(refusal<double>(SampleType::float64, 1e39) ==
        "a voxel is 1e+39, beyond the range of float32, as which it would be kept: scale it");
}
