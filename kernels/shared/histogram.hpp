// A histogram of floats whose bins are the same whatever was seen before, so that those of blocks add up exactly.
#pragma once
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/sdk/block.hpp"

namespace voxflow::shared {

/// Bin of a value: the upper 24 bits of its order-preserving bit pattern. A larger value never has a smaller bin. Every
/// whole number up to 65536 has a bin of its own; elsewhere a bin spans 2^-15 of its values or less.
constexpr std::uint32_t bin_of(float v) {
  const auto bits = std::bit_cast<std::uint32_t>(v + 0.0F);
  return (bits >> 31 != 0 ? ~bits : bits | 0x80000000U) >> 8;
}

/// The value in the bin that is nearest to zero.
constexpr float value_of(std::uint32_t bin) {
  const std::uint32_t bits = bin << 8;
  return std::bit_cast<float>(bits >> 31 != 0 ? bits & 0x7FFFFFFFU : ~(bits | 0xFFU));
}

/// Counts of the bins that hold anything, in order.
class Histogram {
 public:
  struct Bin {
    std::uint32_t bin;
    std::uint64_t count;
    friend bool operator==(const Bin&, const Bin&) = default;
  };

  Histogram() = default;
  /// Counts the finite voxels.
  Histogram(VolumeView<const float> voxels, const Context& ctx);
  void add(const Histogram& other);
  const std::vector<Bin>& bins() const { return bins_; }
  void encode(ByteWriter& out) const;
  static Histogram decode(ByteReader& in);

 private:
  std::vector<Bin> bins_;
};

/// Bytes that counting `voxels` needs at most.
std::size_t histogram_bytes(std::size_t voxels);

/// The highest bin of the lower class, by Otsu's criterion; nothing when there are fewer than two bins.
std::optional<std::uint32_t> otsu_bin(const Histogram& histogram);

}  // namespace voxflow::shared
