// The voxel types that microscope files hold, and what each becomes in the archive.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "pipeline/core/dtype.hpp"

namespace voxflow {

/// Voxel types that import reads; those that DType lacks are kept as float32.
enum class SampleType : std::uint8_t { uint8, uint16, uint32, int8, int16, int32, float32, float64 };

std::string_view to_string(SampleType t);
std::optional<SampleType> sample_type_from(std::string_view name);
std::size_t size_bytes(SampleType t);

/// What voxels of a sample type become: the same type, or float32.
DType stored_dtype(SampleType t);

/// Copies `n` samples of type `t`, in this machine's byte order, as stored_dtype(t); both may lie at any address, but
/// must not overlap. Floats of 64 bits are rounded to 32. Throws UserError, naming the value, where an int32 is no
/// float32 or a float64 is beyond its range.
void store_samples(SampleType t, const void* samples, std::size_t n, void* voxels);

}  // namespace voxflow
