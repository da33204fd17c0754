#include "pipeline/interop/tiff_directory.hpp"

#include <cmath>

#include "pipeline/core/error.hpp"

namespace voxflow::interop {

namespace {
enum Type : std::uint16_t { kByte = 1, kAscii = 2, kShort = 3, kLong = 4, kRational = 5, kLong8 = 16 };

constexpr std::uint64_t even(std::uint64_t n) {
  return n + n % 2;
}

/// Best approximation with terms that ImageJ, which reads them as signed, can take; by continued fractions.
std::pair<std::uint32_t, std::uint32_t> fraction(double value) {
  constexpr double kMost = 2147483647.0;
  if (!(value > 0)) return {0, 1};
  if (value >= kMost) return {0x7fffffffU, 1};
  double n0 = 0, d0 = 1, n1 = 1, d1 = 0, rest = value;
  for (;;) {
    const double whole = std::floor(rest);
    const double n2 = whole * n1 + n0, d2 = whole * d1 + d0;
    if (n2 > kMost || d2 > kMost) break;
    n0 = n1, d0 = d1, n1 = n2, d1 = d2;
    if (rest == whole || std::abs(n1 / d1 - value) <= 4e-16 * value) break;
    rest = 1 / (rest - whole);
  }
  if (n1 == 0) return {1, 0x7fffffffU};
  return {static_cast<std::uint32_t>(n1), static_cast<std::uint32_t>(d1)};
}
}  // namespace

void append_number(Bytes8& to, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to.push_back(static_cast<unsigned char>(value >> (8 * i)));
}

void TiffDirectory::add_short(std::uint16_t tag, std::uint16_t value) {
  Bytes8 bytes;
  append_number(bytes, value, 2);
  tags_.push_back({tag, kShort, 1, std::move(bytes)});
}

void TiffDirectory::add_long(std::uint16_t tag, std::uint32_t value) {
  add_longs(tag, {value});
}

void TiffDirectory::add_longs(std::uint16_t tag, const std::vector<std::uint32_t>& values) {
  Bytes8 bytes;
  bytes.reserve(values.size() * 4);
  for (const std::uint32_t v : values) append_number(bytes, v, 4);
  tags_.push_back({tag, kLong, values.size(), std::move(bytes)});
}

void TiffDirectory::add_offsets(std::uint16_t tag, const std::vector<std::uint64_t>& values) {
  Bytes8 bytes;
  bytes.reserve(values.size() * offset_bytes());
  for (const std::uint64_t v : values) append_number(bytes, v, offset_bytes());
  const Type type = form_ == TiffForm::big ? kLong8 : kLong;
  tags_.push_back({tag, type, values.size(), std::move(bytes)});
}

void TiffDirectory::add_rational(std::uint16_t tag, double value) {
  const auto [numerator, denominator] = fraction(value);
  Bytes8 bytes;
  append_number(bytes, numerator, 4);
  append_number(bytes, denominator, 4);
  tags_.push_back({tag, kRational, 1, std::move(bytes)});
}

void TiffDirectory::add_text(std::uint16_t tag, const std::string& text) {
  Bytes8 bytes(text.begin(), text.end());
  bytes.push_back(0);
  const std::size_t count = bytes.size();
  tags_.push_back({tag, kAscii, count, std::move(bytes)});
}

void TiffDirectory::add_bytes(std::uint16_t tag, Bytes8 bytes) {
  const std::size_t count = bytes.size();
  tags_.push_back({tag, kByte, count, std::move(bytes)});
}

std::size_t TiffDirectory::table_bytes() const {
  return form_ == TiffForm::big ? 8 + tags_.size() * 20 + 8 : 2 + tags_.size() * 12 + 4;
}

std::uint64_t TiffDirectory::outside_bytes(const Tag& tag) const {
  return tag.bytes.size() <= offset_bytes() ? 0 : even(tag.bytes.size());
}

std::uint64_t TiffDirectory::size() const {
  std::uint64_t size = table_bytes();
  for (const Tag& tag : tags_) size += outside_bytes(tag);
  return size;
}

Bytes8 TiffDirectory::encode(std::uint64_t offset, std::uint64_t next) const {
  Bytes8 table, values;
  append_number(table, tags_.size(), form_ == TiffForm::big ? 8 : 2);
  int last = 0;
  for (const Tag& tag : tags_) {
    if (tag.number <= last) throw InternalError("the tags of a TIFF directory are not in order");
    last = tag.number;
    append_number(table, tag.number, 2);
    append_number(table, tag.type, 2);
    append_number(table, tag.count, offset_bytes());
    if (outside_bytes(tag) == 0) {
      table.insert(table.end(), tag.bytes.begin(), tag.bytes.end());
      table.resize(table.size() + offset_bytes() - tag.bytes.size());
    } else {
      append_number(table, offset + table_bytes() + values.size(), offset_bytes());
      values.insert(values.end(), tag.bytes.begin(), tag.bytes.end());
      values.resize(even(values.size()));
    }
  }
  append_number(table, next, offset_bytes());
  table.insert(table.end(), values.begin(), values.end());
  return table;
}

std::uint64_t tiff_header_bytes(TiffForm form) {
  return form == TiffForm::big ? 16 : 8;
}

Bytes8 tiff_header(TiffForm form, std::uint64_t first) {
  Bytes8 bytes{'I', 'I'};
  append_number(bytes, form == TiffForm::big ? 43 : 42, 2);
  if (form == TiffForm::big) append_number(bytes, 8, 4);  // bytes of an offset, and a zero
  append_number(bytes, first, form == TiffForm::big ? 8 : 4);
  return bytes;
}

}  // namespace voxflow::interop
