#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/roi.hpp"
#include "pipeline/interop/unicode.hpp"

namespace voxflow::interop {

namespace {
constexpr std::size_t kHeaderBytes = 64;
constexpr int kSplineFit = 1, kSubPixel = 128;                // of the options
constexpr int kText = 1, kEllipse = 3, kTurnedRectangle = 5;  // subtypes

enum Type { polygon = 0, rectangle = 1, oval = 2, freehand = 7, traced = 8 };

std::string_view no_area(int type) {
  switch (type) {
    case 3:
    case 4:
    case 5:
      return "a line";
    case 9:
      return "an angle";
    case 10:
      return "points";
    default:
      return "of an unknown type";
  }
}

class RoiReader {
 public:
  explicit RoiReader(std::string_view bytes) : bytes_(bytes) {
    if (!bytes.starts_with("Iout")) throw UserError("it is no ImageJ ROI: it does not begin with 'Iout'");
    need(kHeaderBytes - 1);
    const int second = integer(60);
    second_ =
        second > 0 && static_cast<std::size_t>(second) + 52 <= bytes.size() ? static_cast<std::size_t>(second) : 0;
  }

  Roi read() {
    Roi roi;
    const int position = integer(56);
    if (second_ > 0) {
      roi.place = {integer(second_ + 4), integer(second_ + 8), integer(second_ + 12), 0};
      roi.name = text(16);
      roi.group = byte(second_ + 30);
      roi.label = label(text(40));
    }
    if (roi.place.c + roi.place.z + roi.place.t == 0) roi.place.position = position;
    read_shape(roi);
    return roi;
  }

 private:
  void need(std::size_t last) const {
    if (last >= bytes_.size())
      throw UserError(fmt::format("it is cut short: {} bytes are not all of it", bytes_.size()));
  }
  int byte(std::size_t at) const {
    need(at);
    return static_cast<unsigned char>(bytes_[at]);
  }
  int unsigned_short(std::size_t at) const { return byte(at) << 8 | byte(at + 1); }
  /// As ImageJ reads coordinates: a little below zero, or beyond 16 bits.
  int coordinate(std::size_t at) const {
    constexpr int kLowest = -5000;
    const int n = static_cast<std::int16_t>(unsigned_short(at));
    return n < kLowest ? unsigned_short(at) : n;
  }
  std::uint32_t bits(std::size_t at) const {
    return static_cast<std::uint32_t>(unsigned_short(at)) << 16 | static_cast<std::uint32_t>(unsigned_short(at + 2));
  }
  int integer(std::size_t at) const { return static_cast<int>(bits(at)); }
  float real(std::size_t at) const { return std::bit_cast<float>(bits(at)); }
  RoiPoint point_at(std::size_t x, std::size_t y) const {
    constexpr float kFarthest = 1e9F;
    const RoiPoint p{real(x), real(y)};
    if (!(std::abs(p.x) < kFarthest && std::abs(p.y) < kFarthest)) throw UserError("its outline is damaged");
    return p;
  }

  /// The text whose place and length stand in the second header.
  std::string text(std::size_t field) const {
    const auto at = static_cast<std::size_t>(bits(second_ + field)),
               size = static_cast<std::size_t>(bits(second_ + field + 4));
    if (at == 0 || size == 0) return "";
    need(at + 2 * size - 1);
    std::u16string out;
    for (std::size_t i = 0; i < size; ++i) out += static_cast<char16_t>(unsigned_short(at + 2 * i));
    return utf8(out);
  }

  /// Of the lines "key: value" of properties.
  static std::optional<std::uint32_t> label(const std::string& properties) {
    for (const std::string& line : split(properties, '\n')) {
      const auto colon = line.find(':');
      if (colon == std::string::npos || trim(line.substr(0, colon)) != "label") continue;
      const std::string value(trim(line.substr(colon + 1)));
      const bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
      constexpr std::uint64_t kMost = 0xFFFFFFFF;
      if (!digits || value.size() > 10 || std::stoull(value) == 0 || std::stoull(value) > kMost)
        throw UserError(
            fmt::format("its property 'label' is '{}'; labels are whole numbers from 1 to {}", value, kMost));
      return static_cast<std::uint32_t>(std::stoull(value));
    }
    return std::nullopt;
  }

  void read_shape(Roi& roi) const {
    const int type = byte(6), shape_size = integer(36), subtype = unsigned_short(48), options = unsigned_short(50);
    if (shape_size > 0 && type == rectangle) return read_composite(roi, static_cast<std::size_t>(shape_size));
    const bool area = type == polygon || type == rectangle || type == oval || type == freehand || type == traced;
    if (!area) refuse(std::string(no_area(type)));
    // An ellipse and a turned rectangle have their outline as a freehand area has.
    const bool turned = type == freehand && (subtype == kEllipse || subtype == kTurnedRectangle);
    const bool sub_pixel = unsigned_short(4) >= 222 && (options & kSubPixel) != 0;
    if (turned && !sub_pixel) refuse("an ellipse or a turned rectangle without its fine outline");
    if (subtype != 0 && !turned) refuse(subtype == kText ? "text" : "an image");
    if (type == rectangle && unsigned_short(54) > 0) refuse("a rectangle with round corners");
    const double top = coordinate(8), left = coordinate(10), bottom = coordinate(12), right = coordinate(14);
    if (type == rectangle || type == oval) {
      roi.oval = type == oval;
      roi.rings = {{{left, top}, {right, top}, {right, bottom}, {left, bottom}}};
      return;
    }
    if ((options & kSplineFit) != 0) refuse("a polygon with a fitted spline");
    read_polygon(roi, left, top, sub_pixel);
  }

  [[noreturn]] static void refuse(const std::string& what) {
    throw UserError(fmt::format(
        "it is {}, and only rectangles, ovals, ellipses, polygons, freehand and composite areas become labels; "
        "in ImageJ: Edit > Selection > Create Mask, then Create Selection, and add that",
        what));
  }

  void read_polygon(Roi& roi, double left, double top, bool sub_pixel) const {
    // Since 1.53 ImageJ writes 0 here where 16 bits are too few, and the number in the place of a composite's size.
    std::size_t n = static_cast<std::size_t>(unsigned_short(16));
    if (n == 0) n = bits(36);
    if (n == 0) throw UserError("it has no corners");
    need(kHeaderBytes + 4 * n - 1);
    std::vector<RoiPoint> ring(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t whole = kHeaderBytes + 2 * i, fine = kHeaderBytes + 4 * n + 4 * i;
      ring[i] = sub_pixel
                    ? point_at(fine, fine + 4 * n)
                    : RoiPoint{left + std::max(coordinate(whole), 0), top + std::max(coordinate(whole + 2 * n), 0)};
    }
    roi.rings = {std::move(ring)};
  }

  void read_composite(Roi& roi, std::size_t size) const {
    need(kHeaderBytes + 4 * size - 1);
    std::vector<RoiPoint> ring;
    const auto close = [&] {
      if (ring.size() > 2) roi.rings.push_back(ring);
      ring.clear();
    };
    for (std::size_t i = 0; i < size;) {
      constexpr std::array<std::size_t, 5> kNumbers{2, 2, 4, 6, 0};
      const float segment = number(i++);
      if (!(segment >= 0 && segment <= 4) || i + kNumbers[static_cast<std::size_t>(segment)] > size)
        throw UserError("its outline is damaged");
      const auto kind = static_cast<std::size_t>(segment);
      if (kind == 0 || kind == 4) close();
      if (kind == 0 || kind == 1) ring.push_back(point(i));
      if (kind > 1 && kind < 4 && ring.empty()) throw UserError("its outline is damaged");
      if (kind == 2) {  // a parabola is the cubic curve with these two points between its ends
        const RoiPoint from = ring.back(), middle = point(i), to = point(i + 2);
        curve(ring, from, between(from, middle, 2.0 / 3), between(to, middle, 2.0 / 3), to);
      }
      if (kind == 3) curve(ring, ring.back(), point(i), point(i + 2), point(i + 4));
      i += kNumbers[kind];
    }
    close();
    if (roi.rings.empty()) throw UserError("it has no corners");
  }
  float number(std::size_t i) const { return real(kHeaderBytes + 4 * i); }
  RoiPoint point(std::size_t i) const { return point_at(kHeaderBytes + 4 * i, kHeaderBytes + 4 * (i + 1)); }

  static RoiPoint between(const RoiPoint& a, const RoiPoint& b, double share) {
    return {a.x + share * (b.x - a.x), a.y + share * (b.y - a.y)};
  }
  static double distance(const RoiPoint& p, const RoiPoint& a, const RoiPoint& b) {
    const double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
    const double share = length2 > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0.0, 1.0) : 0;
    return std::hypot(p.x - a.x - share * dx, p.y - a.y - share * dy);
  }
  /// Halves a cubic curve until its parts are straight to a hundredth of a pixel.
  static void curve(std::vector<RoiPoint>& ring, const RoiPoint& a, const RoiPoint& b, const RoiPoint& c,
                    const RoiPoint& d, int depth = 0) {
    constexpr double kStraight = 0.01;
    constexpr int kDeepest = 12;
    if (depth == kDeepest || std::max(distance(b, a, d), distance(c, a, d)) < kStraight) return ring.push_back(d);
    const RoiPoint ab = between(a, b, 0.5), bc = between(b, c, 0.5), cd = between(c, d, 0.5);
    const RoiPoint abc = between(ab, bc, 0.5), bcd = between(bc, cd, 0.5), middle = between(abc, bcd, 0.5);
    curve(ring, a, ab, abc, middle, depth + 1);
    curve(ring, middle, bcd, cd, d, depth + 1);
  }

  std::string_view bytes_;
  std::size_t second_ = 0;  // where the second header begins; 0: there is none
};

/// The first whole number whose pixel has its centre to the right of x: a centre on a left edge is outside, on a right
/// edge inside.
Index first_beyond(double x, Index width) {
  return static_cast<Index>(std::clamp(std::floor(x + 0.5 + 1e-8), 0.0, static_cast<double>(width)));
}

std::vector<RoiSpan> covered_by_oval(const RoiPoint& low, const RoiPoint& high, Index height, Index width) {
  std::vector<RoiSpan> spans;
  const double rx = (high.x - low.x) / 2, ry = (high.y - low.y) / 2, cx = low.x + rx, cy = low.y + ry;
  for (Index y = 0; y < height; ++y) {
    const double dy = (static_cast<double>(y) + 0.5 - cy) / ry, inside = 1 - dy * dy;
    if (!(inside > 0)) continue;
    const double half = rx * std::sqrt(inside);
    const auto begin = static_cast<Index>(std::clamp(std::ceil(cx - half - 0.5), 0.0, static_cast<double>(width)));
    const auto end = static_cast<Index>(std::clamp(std::floor(cx + half + 0.5), 0.0, static_cast<double>(width)));
    if (begin < end) spans.push_back({y, begin, end});
  }
  return spans;
}
}  // namespace

Roi decode_roi(std::string_view bytes) {
  return RoiReader(bytes).read();
}

std::vector<RoiSpan> covered(const Roi& roi, Index height, Index width) {
  if (roi.oval) return covered_by_oval(roi.rings.front()[0], roi.rings.front()[2], height, width);
  std::vector<std::pair<Index, double>> crossings;  // row, and x where an edge passes the centres of its pixels
  for (const auto& ring : roi.rings)
    for (std::size_t i = 0; i < ring.size(); ++i) {
      RoiPoint a = ring[i], b = ring[(i + 1) % ring.size()];
      if (a.y > b.y) std::swap(a, b);
      const double slope = (b.x - a.x) / (b.y - a.y), rows = static_cast<double>(height);
      const auto first = static_cast<Index>(std::clamp(std::ceil(a.y - 0.5), 0.0, rows));
      const auto end = static_cast<Index>(std::clamp(std::ceil(b.y - 0.5), 0.0, rows));
      for (Index y = first; y < end; ++y) crossings.emplace_back(y, a.x + (static_cast<double>(y) + 0.5 - a.y) * slope);
    }
  std::sort(crossings.begin(), crossings.end());
  std::vector<RoiSpan> spans;
  // Rings are closed, so that every row is passed an even number of times.
  for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
    const Index begin = first_beyond(crossings[i].second, width), end = first_beyond(crossings[i + 1].second, width);
    if (begin < end) spans.push_back({crossings[i].first, begin, end});
  }
  return spans;
}

}  // namespace voxflow::interop
