#include <algorithm>
#include <bit>
#include <limits>

#include <fmt/format.h>

#include "pipeline/interop/roi.hpp"
#include "pipeline/interop/unicode.hpp"

namespace voxflow::interop {

namespace {
constexpr int kVersion = 228;
constexpr unsigned kRectangle = 1, kTraced = 8;
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kMostCorners = std::numeric_limits<std::uint16_t>::max();
constexpr std::int32_t kMostCoordinate = std::numeric_limits<std::int16_t>::max();
constexpr std::uint32_t kGroups = 255;

/// Big-endian numbers, at the end or at a place.
class RoiBytes {
 public:
  void add(std::uint32_t value, std::size_t size) {
    for (std::size_t i = size; i-- > 0;) bytes_.push_back(static_cast<unsigned char>(value >> (8 * i)));
  }
  void put(std::size_t at, std::uint32_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes_[at + i] = static_cast<unsigned char>(value >> (8 * (size - 1 - i)));
  }
  void add_float(double value) { add(std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4); }
  /// Returns how many characters it is for ImageJ.
  std::uint32_t add_text(const std::string& text) {
    const std::u16string characters = utf16(text);
    for (const char16_t c : characters) add(c, 2);
    return static_cast<std::uint32_t>(characters.size());
  }
  void resize(std::size_t size) { bytes_.resize(size); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(bytes_.size()); }
  Bytes8 take() { return std::move(bytes_); }

 private:
  Bytes8 bytes_;
};

bool is_simple(const Outline& o) {
  return o.rings.size() == 1 && o.rings.front().size() <= kMostCorners &&
         std::max(o.high.x, o.high.y) <= kMostCoordinate;
}

void add_traced(RoiBytes& roi, const Outline& o) {
  const Ring& ring = o.rings.front();
  roi.put(16, static_cast<std::uint32_t>(ring.size()), 2);
  for (const Corner& c : ring) roi.add(static_cast<std::uint32_t>(c.x - o.low.x), 2);
  for (const Corner& c : ring) roi.add(static_cast<std::uint32_t>(c.y - o.low.y), 2);
}

void add_composite(RoiBytes& roi, const Outline& o) {
  constexpr double kMoveTo = 0, kLineTo = 1, kClose = 4;
  for (const Ring& ring : o.rings) {
    double segment = kMoveTo;
    for (const Corner& c : ring) {
      roi.add_float(segment), roi.add_float(c.x), roi.add_float(c.y);
      segment = kLineTo;
    }
    roi.add_float(kClose);
  }
  roi.put(36, static_cast<std::uint32_t>((roi.size() - kHeaderBytes) / 4), 4);
}

void add_second_header(RoiBytes& roi, const Outline& o, const std::string& name, const RoiPlace& place) {
  const std::uint32_t second = roi.size();
  roi.put(60, second, 4);
  roi.resize(second + kHeaderBytes);
  roi.put(second + 4, static_cast<std::uint32_t>(place.c), 4);
  roi.put(second + 8, static_cast<std::uint32_t>(place.z), 4);
  roi.put(second + 12, static_cast<std::uint32_t>(place.t), 4);
  roi.put(second + 30, (o.label - 1) % kGroups + 1, 1);
  roi.put(second + 16, roi.size(), 4);
  roi.put(second + 20, roi.add_text(name), 4);
  roi.put(second + 40, roi.size(), 4);
  roi.put(second + 44, roi.add_text(fmt::format("label: {}\n", o.label)), 4);
}
}  // namespace

RoiPlace roi_place(const record::ImageInfo& image, int t, int c, Index z) {
  const bool slices = image.grid.shape[kZ] > 1, frames = image.timepoints > 1, channels = image.channel_count() > 1;
  RoiPlace place{channels ? c + 1 : 0, slices ? static_cast<int>(z) + 1 : 0, frames ? t + 1 : 0, 0};
  // ImageJ looks at the position alone where an image is no hyperstack, and takes it for the one axis where it is.
  if (slices + frames == 1 && !channels) {
    place.position = std::max(place.z, place.t);
    place.z = place.t = 0;
  }
  return place;
}

Bytes8 encode_roi(const Outline& outline, const std::string& name, const RoiPlace& place) {
  const bool simple = is_simple(outline);
  RoiBytes roi;
  roi.resize(kHeaderBytes);
  constexpr std::string_view kMagic = "Iout";
  for (std::size_t i = 0; i < kMagic.size(); ++i) roi.put(i, static_cast<unsigned char>(kMagic[i]), 1);
  roi.put(4, kVersion, 2);
  roi.put(6, simple ? kTraced : kRectangle, 1);
  // Composites know their box from their corners; what does not fit here is not looked at.
  const auto bound = [](std::int32_t v) { return static_cast<std::uint32_t>(std::min(v, kMostCoordinate)); };
  roi.put(8, bound(outline.low.y), 2);
  roi.put(10, bound(outline.low.x), 2);
  roi.put(12, bound(outline.high.y), 2);
  roi.put(14, bound(outline.high.x), 2);
  roi.put(56, static_cast<std::uint32_t>(place.position), 4);
  if (simple)
    add_traced(roi, outline);
  else
    add_composite(roi, outline);
  add_second_header(roi, outline, name, place);
  return roi.take();
}

}  // namespace voxflow::interop
