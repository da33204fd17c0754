#include "pipeline/interop/mrc_image.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/interop/microscope_units.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr std::size_t kHeaderBytes = 1024;
constexpr std::size_t kMapAt = 208, kStampAt = 212, kImodAt = 152, kImodFlagsAt = 156, kLabelsAt = 224;
constexpr std::int32_t kImod = 1146047817;  // "IMOD": the file's flags tell whether bytes have a sign
constexpr double kMicrometresOfAnAngstrom = 1e-4;
constexpr std::int32_t kMostExtent = 1 << 30;
static_assert(std::endian::native == std::endian::little);

/// The words of the header in this machine's byte order.
class Header {
 public:
  explicit Header(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    in.read(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
    if (!in) throw UserError("its header is cut off; copy the file again from its source");
    swapped_ = static_cast<unsigned char>(bytes_[kStampAt]) == 0x11;
  }
  bool swapped() const { return swapped_; }
  template <class T>
  T word(std::size_t at) const {
    std::array<char, sizeof(T)> raw{};
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at), raw.size(), raw.begin());
    if (swapped_) std::reverse(raw.begin(), raw.end());
    return std::bit_cast<T>(raw);
  }
  std::int32_t integer(std::size_t at) const { return word<std::int32_t>(at); }
  std::string labels() const {
    std::string text(bytes_.begin() + kLabelsAt, bytes_.end());
    std::replace(text.begin(), text.end(), '\0', ' ');
    text.resize(text.find_last_not_of(' ') + 1);
    return text;
  }

 private:
  std::array<char, kHeaderBytes> bytes_{};
  bool swapped_ = false;
};

SampleType type_of(const Header& h) {
  constexpr std::int32_t kSigned = 1;
  switch (const std::int32_t mode = h.integer(12); mode) {
    case 0:
      return h.integer(kImodAt) == kImod && (h.integer(kImodFlagsAt) & kSigned) == 0 ? SampleType::uint8
                                                                                     : SampleType::int8;
    case 1:
      return SampleType::int16;
    case 2:
      return SampleType::float32;
    case 6:
      return SampleType::uint16;
    default:
      throw UserError(
          fmt::format("its voxels are of MRC mode {}; modes 0, 1, 2 and 6 (8- and 16-bit integers, 32-bit floats) "
                      "are read: convert it first",
                      mode));
  }
}

Index3 shape_of(const Header& h) {
  const Index3 shape{h.integer(8), h.integer(4), h.integer(0)};
  for (const Index n : shape)
    if (n < 1 || n > kMostExtent)
      throw UserError(
          fmt::format("its header says {} x {} x {} voxels (z, y, x); it is damaged", shape[kZ], shape[kY], shape[kX]));
  return shape;
}

void check_axes(const Header& h) {
  const std::array<std::int32_t, 3> order{h.integer(64), h.integer(68), h.integer(72)};
  if (order != std::array<std::int32_t, 3>{1, 2, 3} && order != std::array<std::int32_t, 3>{})
    throw UserError(
        fmt::format("its columns, rows and sections are axes {}, {}, {} (1 is x); only 1, 2, 3 is read: turn it first",
                    order[0], order[1], order[2]));
  constexpr std::int32_t kStackOfVolumes = 400;
  if (h.integer(88) > kStackOfVolumes)
    throw UserError(
        fmt::format("it is a stack of volumes (space group {}); save each volume as a file of its own", h.integer(88)));
}

void read_spacing(const Header& h, ImageFacts& facts) {
  facts.calibration_note = "its header gives no cell dimensions";
  for (const std::size_t axis : {kZ, kY, kX}) {
    const std::size_t number = 2 - axis;  // x, y, z
    const auto angstrom = h.word<float>(40 + 4 * number);
    const auto samples = h.integer(28 + 4 * number);
    if (angstrom > 0 && samples > 0)
      facts.spacing_um[axis] = to_six_digits(static_cast<double>(angstrom) / samples * kMicrometresOfAnAngstrom);
  }
}
}  // namespace

bool MrcImage::is_mrc(std::string_view head) {
  return head.size() >= kHeaderBytes && head.substr(kMapAt, 4) == "MAP " &&
         (head[kStampAt] == 0x44 || head[kStampAt] == 0x11);
}

MrcImage::MrcImage(const fs::path& file) : file_(file) {
  with_context(fmt::format("'{}'", file.string()), [&] {
    const Header h(file);
    swapped_ = h.swapped();
    found().type = type_of(h);
    found().shape = shape_of(h);
    check_axes(h);
    const std::int32_t extended = h.integer(92);
    if (extended < 0) throw UserError(fmt::format("its extended header has {} bytes; it is damaged", extended));
    begin_ = kHeaderBytes + static_cast<std::uint64_t>(extended);
    const std::uint64_t wanted = begin_ + static_cast<std::uint64_t>(count(facts().shape)) * size_bytes(facts().type);
    if (fs::file_size(file) < wanted)
      throw UserError(fmt::format("it has {} bytes, but its header says {}; copy the file again from its source",
                                  fs::file_size(file), wanted));
    read_spacing(h, found());
    found().description = h.labels();
  });
  found().channels.resize(1);
  found().importer = {"mrc", ""};
}

void MrcImage::read_planes(int, int, Index first, Index planes, void* voxels) {
  const std::size_t width = size_bytes(facts().type);
  const auto n = static_cast<std::size_t>(facts().shape[kY] * facts().shape[kX]);
  std::vector<char> raw(n * width);
  std::ifstream in(file_, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(begin_ + static_cast<std::uint64_t>(first) * raw.size()));
  for (Index i = 0; i < planes; ++i) {
    in.read(raw.data(), static_cast<std::streamsize>(raw.size()));
    if (!in)
      throw UserError(fmt::format("'{}', plane {}: it cannot be read; copy the file again from its source",
                                  file_.string(), first + i + 1));
    if (swapped_ && width > 1)
      for (std::size_t at = 0; at < raw.size(); at += width)
        std::reverse(raw.begin() + static_cast<std::ptrdiff_t>(at),
                     raw.begin() + static_cast<std::ptrdiff_t>(at + width));
    auto* to = static_cast<unsigned char*>(voxels);
    store_samples(facts().type, raw.data(), n,
                  to + static_cast<std::size_t>(i) * n * size_bytes(stored_dtype(facts().type)));
  }
}

}  // namespace voxflow::interop
