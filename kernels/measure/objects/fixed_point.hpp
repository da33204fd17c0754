// Sums of floats, and of their squares, that are exact, so that their order does not matter.
#pragma once
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace voxflow::objects {

__extension__ using Wide = __int128;

/// A two's complement number of 64 * `Limbs` bits whose lowest bit is worth 2^`lowest_exponent`.
template <std::size_t Limbs, int lowest_exponent>
class FixedPointSum {
 public:
  /// Adds mantissa * 2^exponent; exponent >= lowest_exponent.
  void add(std::int64_t mantissa, int exponent) {
    const auto shift = static_cast<unsigned>(exponent - lowest_exponent);
    const auto wide = static_cast<Wide>(mantissa) << shift % 64;
    const std::uint64_t sign = mantissa < 0 ? ~std::uint64_t{0} : 0;
    std::size_t i = shift / 64;
    bool carry = add_limb(i, static_cast<std::uint64_t>(wide), false);
    if (++i < Limbs) carry = add_limb(i, static_cast<std::uint64_t>(wide >> 64), carry);
    // Above, only a carry or a borrow changes anything.
    while (++i < Limbs && carry != (sign != 0)) carry = add_limb(i, sign, carry);
  }
  void add(const FixedPointSum& other) {
    bool carry = false;
    for (std::size_t i = 0; i < Limbs; ++i) carry = add_limb(i, other.limbs_[i], carry);
  }
  /// The sum rounded to the precision of long double, or a unit in its last place beside it.
  long double value() const {
    const bool negative = limbs_.back() >> 63 != 0;
    long double v = 0;
    bool carry = negative;
    for (std::size_t i = 0; i < Limbs; ++i) {
      std::uint64_t limb = negative ? ~limbs_[i] : limbs_[i];
      if (carry) carry = ++limb == 0;
      v += std::ldexp(static_cast<long double>(limb), lowest_exponent + 64 * static_cast<int>(i));
    }
    return negative ? -v : v;
  }
  friend bool operator==(const FixedPointSum&, const FixedPointSum&) = default;

 private:
  bool add_limb(std::size_t i, std::uint64_t v, bool carry) {
    std::uint64_t sum = 0;
    const bool over = __builtin_add_overflow(limbs_[i], v, &sum);
    const bool over_again = __builtin_add_overflow(sum, static_cast<std::uint64_t>(carry), &sum);
    limbs_[i] = sum;
    return over || over_again;
  }
  std::array<std::uint64_t, Limbs> limbs_{};
};

/// A finite float as mantissa * 2^exponent.
struct Parts {
  std::int64_t mantissa;
  int exponent;
};
constexpr Parts parts_of(float v) {
  const auto bits = std::bit_cast<std::uint32_t>(v);
  const int biased = static_cast<int>(bits >> 23 & 0xFF);
  const std::int64_t magnitude = (bits & 0x7FFFFF) | (biased > 0 ? 0x800000 : 0);
  return {bits >> 31 != 0 ? -magnitude : magnitude, (biased > 0 ? biased : 1) - 150};
}

/// Room for 2^42 of the largest floats, and of their squares.
using ExactSum = FixedPointSum<5, -149>;
using ExactSquareSum = FixedPointSum<10, -298>;

}  // namespace voxflow::objects
