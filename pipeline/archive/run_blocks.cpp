#include "pipeline/archive/run_blocks.hpp"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <vector>

#include "pipeline/archive/huffman.hpp"

namespace voxflow::archive {

namespace {
constexpr std::size_t kBlockBytes = 64 << 10;
constexpr std::size_t kShortestRun = 4, kLongestRepeat = 258;
// So that four bytes always fit what BitWriter takes at once, and libdeflate finds every code in its first table.
constexpr int kLongestCode = 11, kLongestLengthCode = 7;
constexpr std::size_t kEndOfBlock = 256, kSymbols = 286, kDistances = 2, kLengthSymbols = 19;
constexpr std::size_t kMostStored = 0xffff;
constexpr std::uint64_t kDistanceOne = 0b0, kDistanceBits = 1;
enum BlockType : std::uint64_t { kStored = 0, kDynamic = 2 };  // of a block that is not the last: bit 0 is 0

using Bytes = std::span<const std::uint8_t>;
using Codes = std::array<HuffmanCode, kSymbols>;
using Counts = std::array<std::uint32_t, kSymbols>;

/// After a byte, `length` more of it.
struct Run {
  std::uint32_t at, length;
};

constexpr std::size_t kStep = 32;

/// Bit k: whether byte k equals the one before it. Looks at 32 bytes and the one before.
std::uint32_t equals_before(const std::uint8_t* from) {
  const auto load = [](const std::uint8_t* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); };
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(from), load(from - 1))));
}

/// The first position from `i` on where a byte differs from the one before, or the end.
std::size_t end_of_run(Bytes bytes, std::size_t i) {
  for (; i + kStep <= bytes.size(); i += kStep)
    if (const std::uint32_t others = ~equals_before(&bytes[i]))
      return i + static_cast<std::size_t>(std::countr_zero(others));
  while (i < bytes.size() && bytes[i] == bytes[i - 1]) ++i;
  return i;
}

/// All runs but such as begin in the last bytes, fewer than one step.
void find_runs(Bytes bytes, std::vector<Run>& runs) {
  static_assert(kShortestRun == 4);
  runs.clear();
  for (std::size_t i = 1; i + kStep <= bytes.size();) {
    const std::uint32_t equals = equals_before(&bytes[i]);
    const std::uint32_t pairs = equals & equals >> 1, begins = pairs & pairs >> 2;
    if (begins == 0) {
      i += kStep - (kShortestRun - 1);
      continue;
    }
    const std::size_t at = i + static_cast<std::size_t>(std::countr_zero(begins));
    const std::size_t end = end_of_run(bytes, at + kShortestRun);
    runs.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end - at)});
    i = end + 1;
  }
}

/// How deflate sends 3 to 258 bytes that repeat.
struct Repeat {
  std::uint16_t symbol, extra, extra_bits;
};
constexpr std::array<Repeat, kLongestRepeat + 1> kRepeats = [] {
  std::array<Repeat, kLongestRepeat + 1> repeats{};
  std::uint16_t symbol = 257;
  for (std::uint16_t length = 3; length < kLongestRepeat; ++symbol) {
    const auto bits = static_cast<std::uint16_t>(symbol < 265 ? 0 : (symbol - 261) / 4);
    for (std::uint16_t extra = 0; extra < 1 << bits && length < kLongestRepeat; ++extra)
      repeats[length++] = {symbol, extra, bits};
  }
  repeats[kLongestRepeat] = {285, 0, 0};
  return repeats;
}();

/// Calls `use` for the repeats that make up a run; none is shorter than deflate's shortest.
template <class F>
void each_repeat(std::size_t length, const F& use) {
  while (length > 0) {
    const std::size_t part = length <= kLongestRepeat ? length : std::min(length - 3, kLongestRepeat);
    use(kRepeats[part]);
    length -= part;
  }
}

/// Calls `bytes_between(from, to)` and `run(length)` in the order in which they are sent.
template <class Between, class OnRun>
void walk(Bytes bytes, const std::vector<Run>& runs, const Between& bytes_between, const OnRun& run) {
  std::size_t at = 0;
  for (const Run& r : runs) {
    bytes_between(at, r.at);
    run(r.length);
    at = r.at + r.length;
  }
  bytes_between(at, bytes.size());
}

Counts count_symbols(Bytes bytes, const std::vector<Run>& runs) {
  std::array<std::array<std::uint32_t, 256>, 4> parts{};  // so that equal neighbours do not wait for each other
  Counts counts{};
  walk(
      bytes, runs,
      [&](std::size_t from, std::size_t to) {
        for (; from + 4 <= to; from += 4)
          ++parts[0][bytes[from]], ++parts[1][bytes[from + 1]], ++parts[2][bytes[from + 2]],
              ++parts[3][bytes[from + 3]];
        for (; from < to; ++from) ++parts[0][bytes[from]];
      },
      [&](std::size_t length) { each_repeat(length, [&](const Repeat& r) { ++counts[r.symbol]; }); });
  for (std::size_t s = 0; s < 256; ++s) counts[s] = parts[0][s] + parts[1][s] + parts[2][s] + parts[3][s];
  counts[kEndOfBlock] = 1;
  return counts;
}

/// The lengths of a block's codes, with runs of them shortened, as the block's head holds them.
class Head {
 public:
  explicit Head(const Codes& codes) {
    used_ = kSymbols;
    while (codes[used_ - 1].length == 0) --used_;
    std::array<std::uint8_t, kSymbols + kDistances> lengths{};
    for (std::size_t s = 0; s < used_; ++s) lengths[s] = static_cast<std::uint8_t>(codes[s].length);
    for (std::size_t d = 0; d < kDistances; ++d) lengths[used_ + d] = kDistanceBits;
    add(std::span(lengths).first(used_ + kDistances));
    std::array<std::uint32_t, kLengthSymbols> counts{};
    for (const Item& item : items_) ++counts[item.symbol];
    make_huffman_codes(counts, kLongestLengthCode, codes_);
    sent_ = kLengthSymbols;
    while (sent_ > 4 && codes_[kOrder[sent_ - 1]].length == 0) --sent_;
  }

  std::size_t bits() const {
    std::size_t bits = 3 + 5 + 5 + 4 + 3 * sent_;
    for (const Item& item : items_) bits += codes_[item.symbol].length + item.extra_bits;
    return bits;
  }

  void put(BitWriter& to) const {
    to.put(kDynamic << 1, 3);
    to.put(used_ - 257, 5), to.put(kDistances - 1, 5), to.put(sent_ - 4, 4);
    for (std::size_t i = 0; i < sent_; ++i) to.put(codes_[kOrder[i]].length, 3);
    for (const Item& item : items_) {
      to.put(codes_[item.symbol].bits, codes_[item.symbol].length);
      to.put(item.extra, item.extra_bits);
    }
  }

 private:
  static constexpr std::array<std::uint8_t, kLengthSymbols> kOrder{16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                                   11, 4,  12, 3, 13, 2, 14, 1, 15};
  struct Item {
    std::uint8_t symbol, extra, extra_bits;
  };

  void add(std::span<const std::uint8_t> lengths) {
    for (std::size_t i = 0; i < lengths.size();) {
      std::size_t end = i + 1;
      while (end < lengths.size() && lengths[end] == lengths[i]) ++end;
      add_equal(lengths[i], end - i);
      i = end;
    }
  }
  void add_equal(std::uint8_t length, std::size_t n) {
    const auto number = [](std::size_t of) { return static_cast<std::uint8_t>(of); };
    if (length > 0) items_.push_back({length, 0, 0}), --n;
    while (length > 0 && n >= 3) {
      const std::size_t part = std::min<std::size_t>(n, 6);
      items_.push_back({16, number(part - 3), 2}), n -= part;
    }
    while (length == 0 && n >= 3) {
      const std::size_t part = std::min<std::size_t>(n, 138);
      items_.push_back(part < 11 ? Item{17, number(part - 3), 3} : Item{18, number(part - 11), 7}), n -= part;
    }
    for (; n > 0; --n) items_.push_back({length, 0, 0});
  }

  std::size_t used_ = 0, sent_ = 0;  // codes of symbols, and of lengths
  std::vector<Item> items_;
  std::array<HuffmanCode, kLengthSymbols> codes_{};
};

std::size_t content_bits(const Counts& counts, const Codes& codes) {
  std::size_t bits = 0;
  for (std::size_t s = 0; s < kSymbols; ++s) bits += std::size_t{counts[s]} * codes[s].length;
  for (const Repeat& r : kRepeats)
    if (r.symbol > 0 && r.extra == 0) bits += std::size_t{counts[r.symbol]} * (r.extra_bits + kDistanceBits);
  return bits;
}

void put_stored(Bytes bytes, BitWriter& to) {
  while (!bytes.empty()) {
    const Bytes part = bytes.first(std::min(bytes.size(), kMostStored));
    to.put(kStored << 1, 3);
    to.align();
    to.put(part.size() | (~part.size() & kMostStored) << 16, 32);
    std::memcpy(to.place(), part.data(), part.size());
    to.skip(part.size());
    bytes = bytes.subspan(part.size());
  }
}

/// The codes of four bytes, which `take` at most 48 bits.
std::uint64_t four_codes(const std::uint8_t* bytes, const HuffmanCode* codes, unsigned& take) {
  const HuffmanCode a = codes[bytes[0]], b = codes[bytes[1]], c = codes[bytes[2]], d = codes[bytes[3]];
  const std::uint64_t first = a.bits | std::uint32_t{b.bits} << a.length;
  const std::uint64_t second = c.bits | std::uint32_t{d.bits} << c.length;
  const unsigned of_first = a.length + b.length;
  take = of_first + c.length + d.length;
  return first | second << of_first;
}

void put_content(Bytes bytes, const std::vector<Run>& runs, const Codes& codes, BitWriter& to) {
  BitWriter writer = to;  // one that the bytes written cannot overlap, so that it stays in registers
  const HuffmanCode* const code_of = codes.data();
  walk(
      bytes, runs,
      [&](std::size_t from, std::size_t end) {
        for (; from + 4 <= end; from += 4) {
          unsigned count = 0;
          const std::uint64_t bits = four_codes(bytes.data() + from, code_of, count);
          writer.put(bits, count);
        }
        for (; from < end; ++from) writer.put(code_of[bytes[from]].bits, code_of[bytes[from]].length);
      },
      [&](std::size_t length) {
        each_repeat(length, [&](const Repeat& r) {
          const HuffmanCode code = code_of[r.symbol];
          writer.put(code.bits | std::uint64_t{r.extra} << code.length, code.length + r.extra_bits);
          writer.put(kDistanceOne, kDistanceBits);
        });
      });
  writer.put(code_of[kEndOfBlock].bits, code_of[kEndOfBlock].length);
  to = writer;
}

void put_block(Bytes bytes, std::vector<Run>& runs, BitWriter& to) {
  find_runs(bytes, runs);
  const Counts counts = count_symbols(bytes, runs);
  Codes codes;
  make_huffman_codes(counts, kLongestCode, codes);
  const Head head(codes);
  if (head.bits() + content_bits(counts, codes) >= 8 * bytes.size()) return put_stored(bytes, to);
  head.put(to);
  put_content(bytes, runs, codes, to);
}
}  // namespace

void put_run_blocks(Bytes bytes, BitWriter& to) {
  std::vector<Run> runs;
  while (!bytes.empty()) {
    const Bytes block = bytes.first(std::min(bytes.size(), kBlockBytes));
    put_block(block, runs, to);
    bytes = bytes.subspan(block.size());
  }
}

void put_alignment(BitWriter& to) {
  to.put(kStored << 1, 3);
  to.align();
  to.put(0xffff0000, 32);
}

void put_end(BitWriter& to) {
  constexpr std::uint64_t kLastFixed = 0b011;  // and seven bits of 0, the fixed code's end of a block
  to.put(kLastFixed, 10);
  to.align();
}

}  // namespace voxflow::archive
