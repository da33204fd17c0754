// The checksum of HDF5's filter fletcher32 (Fletcher 1982, doi:10.1109/TCOM.1982.1095369; HDF5's words: high byte
// first).
#pragma once
#include <cstdint>
#include <span>

namespace voxflow::archive {

std::uint32_t fletcher32(std::span<const std::uint8_t> bytes);

}  // namespace voxflow::archive
