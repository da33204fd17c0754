// Huffman codes as deflate wants them (RFC 1951, section 3.2.2).
#pragma once
#include <cstdint>
#include <span>

namespace voxflow::archive {

/// A symbol's code, first bit lowest, and its length in bits; 0 bits: the symbol is never sent.
struct HuffmanCode {
  std::uint16_t bits = 0, length = 0;
};

/// Writes the codes of the symbols 0, 1, ... that occur `counts` times, none longer than `longest` bits. The code is
/// complete: of symbols that occur, and a second one where only one does. `counts` and `codes` are of one size, at
/// most 2^`longest`.
void make_huffman_codes(std::span<const std::uint32_t> counts, int longest, std::span<HuffmanCode> codes);

}  // namespace voxflow::archive
