#include "pipeline/archive/fletcher32.hpp"

#include <algorithm>

namespace voxflow::archive {

namespace {
/// Modulo 65535; what is not 0 stays so, as sums folded by carries do.
std::uint64_t fold(std::uint64_t sum) {
  constexpr std::uint64_t kModulus = 0xffff;
  return sum == 0 ? 0 : (sum - 1) % kModulus + 1;
}
}  // namespace

std::uint32_t fletcher32(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kUnfolded_bytes = 1 << 20;  // for so many the sums fit 64 bits
  std::uint64_t sum = 0, sum_of_sums = 0;
  const auto add = [&](std::uint64_t word) { sum += word, sum_of_sums += sum; };
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kUnfolded_bytes));
    for (std::size_t i = 0; i + 2 <= part.size(); i += 2) add(std::uint64_t{part[i]} << 8 | part[i + 1]);
    if (part.size() % 2 == 1) add(std::uint64_t{part.back()} << 8);
    sum = fold(sum), sum_of_sums = fold(sum_of_sums);
    bytes = bytes.subspan(part.size());
  }
  return static_cast<std::uint32_t>(sum_of_sums << 16 | sum);
}

}  // namespace voxflow::archive
