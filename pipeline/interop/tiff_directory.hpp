// The directories of a TIFF as bytes: tags, their values, and where the next one lies; private to this room.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace voxflow::interop {

/// A BigTIFF counts in 64 bits where a classic one counts in 32.
enum class TiffForm { classic, big };

using Bytes8 = std::vector<unsigned char>;

/// The tags of one page, which have to be added in order of their numbers. Little-endian.
class TiffDirectory {
 public:
  explicit TiffDirectory(TiffForm form) : form_(form) {}

  void add_short(std::uint16_t tag, std::uint16_t value);
  void add_long(std::uint16_t tag, std::uint32_t value);
  void add_longs(std::uint16_t tag, const std::vector<std::uint32_t>& values);
  /// Places in the file: as wide as the form has them.
  void add_offsets(std::uint16_t tag, const std::vector<std::uint64_t>& values);
  /// The nearest fraction of two 32-bit numbers.
  void add_rational(std::uint16_t tag, double value);
  void add_text(std::uint16_t tag, const std::string& text);
  void add_bytes(std::uint16_t tag, Bytes8 bytes);

  /// Bytes of the directory with the values that do not fit into it.
  std::uint64_t size() const;
  /// Those bytes for a directory at `offset` of the file; `next` is where the next one lies, 0 after the last.
  Bytes8 encode(std::uint64_t offset, std::uint64_t next) const;

 private:
  struct Tag {
    std::uint16_t number, type;
    std::uint64_t count;
    Bytes8 bytes;
  };
  std::size_t offset_bytes() const { return form_ == TiffForm::big ? 8 : 4; }
  std::size_t table_bytes() const;
  std::uint64_t outside_bytes(const Tag& tag) const;

  TiffForm form_;
  std::vector<Tag> tags_;
};

/// The bytes in front of everything; the first directory lies at `first`.
Bytes8 tiff_header(TiffForm form, std::uint64_t first);
std::uint64_t tiff_header_bytes(TiffForm form);

/// Appends the `size` low bytes of `value`.
void append_number(Bytes8& to, std::uint64_t value, std::size_t size);

}  // namespace voxflow::interop
