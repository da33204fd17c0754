#include "pipeline/preview/colours.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace voxflow::preview {

namespace {
std::uint8_t to_byte(double share) {
  return static_cast<std::uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)));
}

/// `hue` in turns.
Rgb from_hsv(double hue, double saturation, double value) {
  const auto part = [&](double turn) {
    const double place = std::fmod(turn + hue * 6, 6.0);
    return to_byte(value * (1 - saturation * std::clamp(std::min(place, 4 - place), 0.0, 1.0)));
  };
  return {part(5), part(3), part(1)};
}

/// Mixed with white where it is so dark, as blue is, that a thin line of it would be lost on black.
Rgb lightened(Rgb colour) {
  constexpr double kLeastLuminance = 105;
  const double luminance = 0.2126 * colour.red + 0.7152 * colour.green + 0.0722 * colour.blue;  // ITU-R BT.709
  const double white = std::max(0.0, (kLeastLuminance - luminance) / (255 - luminance));
  const auto mixed = [white](std::uint8_t v) { return to_byte((v + white * (255 - v)) / 255); };
  return {mixed(colour.red), mixed(colour.green), mixed(colour.blue)};
}
}  // namespace

std::vector<Rgb> channel_colours(std::size_t channels) {
  constexpr Rgb kGrey{255, 255, 255}, kGreen{0, 255, 0}, kMagenta{255, 0, 255}, kCyan{0, 255, 255},
      kYellow{255, 255, 0};
  if (channels <= 1) return {kGrey};
  if (channels == 2) return {kGreen, kMagenta};
  std::vector<Rgb> colours{kCyan, kMagenta, kYellow, kGrey};
  colours.resize(std::min(channels, kMostChannels));
  return colours;
}

Rgb label_colour(std::uint32_t label) {
  if (label == 0) return kBlack;
  // Steps of the golden section keep any run of numbers apart on the circle of hues (Knuth, TAOCP 3, section 6.4).
  constexpr double kGoldenSection = 0.6180339887498949;
  constexpr std::array<double, 3> kSaturations{0.75, 0.45, 0.95};
  const double hue = std::fmod(label * kGoldenSection, 1.0);
  return lightened(from_hsv(hue, kSaturations[label % kSaturations.size()], label % 2 == 0 ? 1.0 : 0.88));
}

Rgb heat_colour(double share) {
  struct Stop {
    double share, red, green, blue;
  };
  constexpr std::array<Stop, 6> kStops{{{0, 0, 0, 0},
                                        {0.2, 0.11, 0.05, 0.38},
                                        {0.45, 0.55, 0.08, 0.45},
                                        {0.7, 0.93, 0.35, 0.15},
                                        {0.88, 0.99, 0.78, 0.2},
                                        {1, 1, 1, 0.95}}};
  share = std::clamp(share, 0.0, 1.0);
  const auto above =
      std::find_if(kStops.begin() + 1, kStops.end() - 1, [&](const Stop& s) { return s.share >= share; });
  const Stop &to = *above, &from = *(above - 1);
  const double way = (share - from.share) / (to.share - from.share);
  return {to_byte(from.red + way * (to.red - from.red)), to_byte(from.green + way * (to.green - from.green)),
          to_byte(from.blue + way * (to.blue - from.blue))};
}

}  // namespace voxflow::preview
