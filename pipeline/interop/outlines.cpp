#include "pipeline/interop/outlines.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace voxflow::interop {

namespace {
/// Up, right, down, left: each is a quarter turn to the right of the one before.
constexpr std::array<Corner, 4> kSteps{{{0, -1}, {1, 0}, {0, 1}, {-1, 0}}};
constexpr std::size_t kUp = 0;

class Tracer {
 public:
  Tracer(const std::uint32_t* labels, Index height, Index width)
      : labels_(labels),
        height_(static_cast<std::int32_t>(height)),
        width_(static_cast<std::int32_t>(width)),
        walked_(static_cast<std::size_t>(height * width)) {}

  std::vector<Outline> all() {
    for (std::int32_t y = 0; y < height_; ++y)
      for (std::int32_t x = 0; x < width_; ++x) {
        const std::uint32_t label = at(x, y);
        if (label != 0 && at(x - 1, y) != label && !walked_[place(x, y)]) add(label, walk({x, y + 1}, label));
      }
    std::vector<Outline> outlines;
    for (auto& [label, outline] : found_) outlines.push_back(std::move(outline));
    return outlines;
  }

 private:
  std::size_t place(std::int32_t x, std::int32_t y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x);
  }
  std::uint32_t at(std::int32_t x, std::int32_t y) const {
    return x < 0 || y < 0 || x >= width_ || y >= height_ ? 0 : labels_[place(x, y)];
  }

  /// The pixel at the right hand, or at the left, of one who stands at `corner` and looks ahead.
  std::uint32_t ahead_right(Corner corner, std::size_t direction) const {
    constexpr std::array<Corner, 4> kPixel{{{0, -1}, {0, 0}, {-1, 0}, {-1, -1}}};
    return at(corner.x + kPixel[direction].x, corner.y + kPixel[direction].y);
  }
  std::uint32_t ahead_left(Corner corner, std::size_t direction) const {
    return ahead_right(corner, (direction + 3) % 4);
  }

  /// Around the label, which stays at the right hand, from the lower end of a left edge back to it.
  Ring walk(Corner start, std::uint32_t label) {
    Ring ring;
    Corner corner = start;
    std::size_t direction = kUp;
    do {
      if (direction == kUp) walked_[place(corner.x, corner.y - 1)] = true;
      corner = {corner.x + kSteps[direction].x, corner.y + kSteps[direction].y};
      const std::size_t before = direction;
      if (ahead_right(corner, direction) != label)
        direction = (direction + 1) % 4;
      else if (ahead_left(corner, direction) == label)
        direction = (direction + 3) % 4;
      if (direction != before) ring.push_back(corner);
    } while (corner != start || direction != kUp);
    return ring;
  }

  void add(std::uint32_t label, Ring ring) {
    const auto [found, fresh] = found_.try_emplace(label);
    Outline& outline = found->second;
    if (fresh) outline = {label, ring.front(), ring.front(), {}};
    for (const Corner& c : ring) {
      outline.low = {std::min(outline.low.x, c.x), std::min(outline.low.y, c.y)};
      outline.high = {std::max(outline.high.x, c.x), std::max(outline.high.y, c.y)};
    }
    outline.rings.push_back(std::move(ring));
  }

  const std::uint32_t* labels_;
  std::int32_t height_, width_;
  std::vector<bool> walked_;  // pixels whose left edge is in a ring
  std::map<std::uint32_t, Outline> found_;
};
}  // namespace

std::vector<Outline> trace_outlines(const std::uint32_t* labels, Index height, Index width) {
  return Tracer(labels, height, width).all();
}

}  // namespace voxflow::interop
