// What chunks become on disk: zlib streams that every reader of HDF5 understands.
#include "pipeline/archive/deflate.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "pipeline/archive/fletcher32.hpp"
#include "pipeline/archive/huffman.hpp"
#include "pipeline/archive/run_blocks.hpp"
#include "pipeline/core/error.hpp"

using namespace voxflow;
using namespace voxflow::archive;

namespace {
using Bytes = std::vector<std::uint8_t>;

/// What zlib itself makes of a stream.
Bytes by_zlib(const Bytes& stream, std::size_t size) {
  Bytes bytes(size + 1);
  uLongf found = bytes.size();
  CHECK(uncompress(bytes.data(), &found, stream.data(), stream.size()) == Z_OK);
  bytes.resize(found);
  return bytes;
}

Bytes by_us(const Bytes& stream, std::size_t size) {
  Bytes bytes(size);
  inflate(stream.data(), stream.size(), bytes.data(), size);
  return bytes;
}

std::size_t check_round_trip(const Bytes& bytes) {
  CAPTURE(bytes.size());
  const Bytes stream = deflate(bytes.data(), bytes.size());
  CHECK(by_us(stream, bytes.size()) == bytes);
  CHECK(by_zlib(stream, bytes.size()) == bytes);
  return stream.size();
}

/// Of zlib at level 1, which HDF5's own filter would have stored.
std::size_t size_by_zlib(const Bytes& bytes) {
  Bytes stream(compressBound(bytes.size()));
  uLongf size = stream.size();
  CHECK(compress2(stream.data(), &size, bytes.data(), bytes.size(), 1) == Z_OK);
  return size;
}

/// Independent bytes of a normal distribution around 128.
Bytes noise(std::size_t size, double deviation) {
  std::mt19937 random(7);
  Bytes bytes(size);
  for (auto& b : bytes) {
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random()) / 4294967296.0;
    b = static_cast<std::uint8_t>(std::lround(128 + deviation * (sum - 6)) & 0xff);
  }
  return bytes;
}

/// Rows of labels: runs, and each row nearly that above.
Bytes labels(std::size_t rows, std::size_t columns) {
  Bytes bytes;
  for (std::size_t y = 0; y < rows; ++y)
    for (std::size_t x = 0; x < columns; ++x)
      bytes.push_back(static_cast<std::uint8_t>((x * 31 / columns + (y + x / 7) / 24 * 5) % 97));
  return bytes;
}
}  // namespace

TEST_CASE("streams of few bytes hold them, even of none") {
  for (std::size_t size = 0; size < 40; ++size) {
    check_round_trip(Bytes(size, 7));
    check_round_trip(noise(size, 3));
  }
}

TEST_CASE("runs of any length come back") {
  for (std::size_t length = 1; length < 1100; ++length) {
    Bytes bytes{1, 2};
    bytes.insert(bytes.end(), length, 9);
    bytes.insert(bytes.end(), {3, 3, 4});
    const Bytes stream = deflate(bytes.data(), bytes.size());
    REQUIRE(by_zlib(stream, bytes.size()) == bytes);
    REQUIRE(by_us(stream, bytes.size()) == bytes);
  }
  CHECK(check_round_trip(Bytes(1 << 20, 0)) < 4096);
}

TEST_CASE("lengths at and beside the blocks' limits come back") {
  for (const std::size_t limit : {std::size_t{65535}, std::size_t{65536}, std::size_t{262144}, std::size_t{524288}})
    for (const std::size_t size : {limit - 1, limit, limit + 1, limit + 9}) {
      check_round_trip(noise(size, 2));
      check_round_trip(noise(size, 1000));
      check_round_trip(Bytes(size, 200));
    }
}

TEST_CASE("bytes of very unequal frequency come back, whose codes would be longer than allowed") {
  Bytes bytes;
  std::size_t times = 1, before = 1;
  for (std::uint8_t value = 0; value < 24; ++value) {
    for (std::size_t i = 0; i < times; ++i)
      bytes.push_back(value), bytes.push_back(static_cast<std::uint8_t>(23 - value));
    times += std::exchange(before, times);
  }
  std::shuffle(bytes.begin(), bytes.end(), std::mt19937(3));
  check_round_trip(bytes);
}

TEST_CASE("noise is stored in no more than zlib takes and 3 % more, and random bytes as they are") {
  for (const double deviation : {0.4, 1.5, 6.0, 25.0}) {
    const Bytes bytes = noise(1 << 19, deviation);
    CAPTURE(deviation);
    CHECK(static_cast<double>(check_round_trip(bytes)) < 1.03 * static_cast<double>(size_by_zlib(bytes)));
  }
  const Bytes random = noise(1 << 19, 1e6);
  CHECK(check_round_trip(random) < random.size() + 200);
}

TEST_CASE("repetitions from further away are found where there are some, beside noise where there are none") {
  const Bytes structured = labels(512, 512), random = noise(1 << 18, 20);
  const std::size_t alone = check_round_trip(structured);
  Bytes runs(run_blocks_bound(structured.size()));
  BitWriter writer(runs.data());
  put_run_blocks(structured, writer);
  CHECK(3 * alone < 2 * static_cast<std::size_t>(writer.place() - runs.data()));
  Bytes mixed = random;
  mixed.insert(mixed.end(), structured.begin(), structured.end());
  mixed.insert(mixed.end(), random.begin(), random.end());
  CHECK(check_round_trip(mixed) < alone + 2 * check_round_trip(random) + 1000);
}

TEST_CASE("a stream that was cut or changed is refused") {
  const Bytes bytes = noise(5000, 5);
  Bytes stream = deflate(bytes.data(), bytes.size());
  CHECK_THROWS_AS(by_us({stream.begin(), stream.end() - 1}, bytes.size()), SystemError);
  stream[stream.size() / 2] ^= 4;
  CHECK_THROWS_AS(by_us(stream, bytes.size()), SystemError);
}

TEST_CASE("codes are complete, within their limit, and shorter for what is more frequent") {
  for (const int longest : {7, 9, 12, 15}) {
    std::vector<std::uint32_t> counts(100);
    for (std::size_t s = 0; s < counts.size(); ++s)
      counts[s] = s % 3 == 0 ? 0 : static_cast<std::uint32_t>(1 << s % 23);
    std::vector<HuffmanCode> codes(counts.size());
    make_huffman_codes(counts, longest, codes);
    double room = 0;
    for (std::size_t a = 0; a < codes.size(); ++a) {
      CHECK((codes[a].length > 0) == (counts[a] > 0));
      CHECK(codes[a].length <= longest);
      if (codes[a].length > 0) room += std::ldexp(1.0, -codes[a].length);
      for (std::size_t b = 0; b < codes.size(); ++b)
        if (counts[a] > counts[b] && counts[b] > 0) CHECK(codes[a].length <= codes[b].length);
    }
    CHECK(room == 1.0);
  }
}

TEST_CASE("where one symbol occurs or none, two have codes: a code of one is no code") {
  for (const std::vector<std::uint32_t>& counts :
       {std::vector<std::uint32_t>{0, 0, 5, 0}, {9, 0, 0, 0}, {0, 0, 0, 0}}) {
    std::vector<HuffmanCode> codes(4);
    make_huffman_codes(counts, 7, codes);
    CHECK(std::accumulate(codes.begin(), codes.end(), 0, [](int n, const HuffmanCode& c) { return n + c.length; }) ==
          2);
  }
}

TEST_CASE("fletcher32 is that of HDF5: words with the high byte first, an odd byte as the high one of a word") {
  CHECK(fletcher32({}) == 0);
  CHECK(fletcher32(Bytes(10, 0)) == 0);
  CHECK(fletcher32(Bytes{1, 2}) == 0x01020102);
  CHECK(fletcher32(Bytes{1, 2, 3}) == 0x05040402);
  CHECK(fletcher32(Bytes{0xff, 0xff}) == 0xffffffff);  // sums that are 0 modulo 65535 and not 0 stay 65535
}
