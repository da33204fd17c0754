// The colours of channels, labels and of a picture's page.
#pragma once
#include <cstdint>
#include <vector>

#include "pipeline/preview/raster.hpp"

namespace voxflow::preview {

/// Channels that one composite can show and still be told apart.
inline constexpr std::size_t kMostChannels = 4;

/// Grey for one; green and magenta for two, which people of every colour vision tell apart; cyan, magenta and yellow
/// for three, and grey as the fourth.
std::vector<Rgb> channel_colours(std::size_t channels);

/// Bright and unlike that of neighbouring numbers; black for 0.
Rgb label_colour(std::uint32_t label);

/// Black, blue, red, yellow, white as `share` goes from 0 to 1; lightness rises all the way.
Rgb heat_colour(double share);

inline constexpr Rgb kMaskColour{255, 214, 10};
inline constexpr Rgb kPage{24, 24, 27}, kText{235, 235, 235}, kDimText{160, 160, 165}, kWhite{255, 255, 255}, kBlack{};

}  // namespace voxflow::preview
