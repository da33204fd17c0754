// Voxel types and their conversions.
#include "pipeline/core/dtype.hpp"

#include <doctest/doctest.h>

using namespace voxflow;

TEST_CASE("every voxel type has one name and one size") {
  for (const DType t : {DType::uint8, DType::uint16, DType::uint32, DType::float32}) {
    CHECK(dtype_from(to_string(t)) == t);
    CHECK(size_bytes(t) == visit_dtype(t, []<class T>(T*) { return sizeof(T); }));
    CHECK(t == visit_dtype(t, []<class T>(T*) { return dtype_of<T>(); }));
  }
  CHECK(to_string(DType::float32) == "float32");
  CHECK(!dtype_from("int16"));
  CHECK(!dtype_from(""));
}

TEST_CASE("an integer voxel is rounded half to even") {
  CHECK(convert_voxel<std::uint8_t>(0.5F) == 0);
  CHECK(convert_voxel<std::uint8_t>(1.5F) == 2);
  CHECK(convert_voxel<std::uint8_t>(2.5F) == 2);
  CHECK(convert_voxel<std::uint8_t>(254.5F) == 254);
  CHECK(convert_voxel<std::uint16_t>(65533.5F) == 65534);
  CHECK(convert_voxel<std::uint16_t>(0.49999997F) == 0);
}

TEST_CASE("an integer voxel is clamped to the range of its type, and NaN becomes 0") {
  CHECK(convert_voxel<std::uint8_t>(-3.0F) == 0);
  CHECK(convert_voxel<std::uint8_t>(255.4F) == 255);
  CHECK(convert_voxel<std::uint8_t>(1e9F) == 255);
  CHECK(convert_voxel<std::uint16_t>(65535.0F) == 65535);
  CHECK(convert_voxel<std::uint16_t>(65536.0F) == 65535);
  CHECK(convert_voxel<std::uint32_t>(5e9F) == 4294967295U);
  CHECK(convert_voxel<std::uint32_t>(4294967040.0F) == 4294967040U);
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(convert_voxel<std::uint16_t>(inf) == 65535);
  CHECK(convert_voxel<std::uint16_t>(-inf) == 0);
  CHECK(convert_voxel<std::uint16_t>(std::nanf("")) == 0);
  CHECK(convert_voxel<std::uint16_t>(-std::nanf("")) == 0);
  CHECK(convert_voxel<std::uint8_t>(std::uint16_t{300}) == 255);
  CHECK(convert_voxel<std::uint16_t>(std::uint32_t{70000}) == 65535);
}

TEST_CASE("8- and 16-bit voxels survive the way to float and back, and float voxels are left alone") {
  for (int v = 0; v <= 65535; ++v) {
    const auto voxel = static_cast<std::uint16_t>(v);
    REQUIRE(convert_voxel<std::uint16_t>(convert_voxel<float>(voxel)) == voxel);
  }
  CHECK(convert_voxel<float>(-1.25F) == -1.25F);
  CHECK(std::isnan(convert_voxel<float>(std::nanf(""))));
}
