#include "kernels/shared/noise_survey.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "pipeline/core/error.hpp"
#include "pipeline/sdk/findings.hpp"

namespace voxflow::shared {

namespace {
constexpr std::int64_t kMostTiles = std::int64_t{1} << 16;
constexpr Index kQuarter = 4;
constexpr Index kMargin = 1;     // of second differences, along y and x
constexpr int kMostClipped = 2;  // voxels of a tile that may have the highest intensity of all

constexpr Index kTileVoxels = 128;
constexpr std::size_t kFewestTiles = 12, kEnoughTiles = 40;  // of a level: those that make one, those used
constexpr double kMostLevels = 32;
constexpr double kClippedPart = 0.05;  // of a level's tiles, too many
// What stated noise is refused by: an offset so many deviations above this part of the tiles, a deviation so many times
// that of the tiles. Images that were averaged or smoothed pass.
constexpr double kFarBelow = 0.25, kFarOff = 5, kMostTimes = 30;
constexpr double kDark = 0.01;  // of all tiles, those taken to be dark

// Of two planes where there are two.
Index3 tile_shape(const Index3& volume) {
  return volume[kZ] > 1 ? Index3{2, 8, 8} : Index3{1, 8, 16};
}

// Tiles of a volume, in raster order.
class TileLattice {
 public:
  TileLattice(const Index3& volume, std::size_t volumes) : shape_(tile_shape(volume)) {
    for (std::size_t i = 0; i < 3; ++i) counts_[i] = std::max<Index>(0, volume[i] - 2 * margin(i)) / shape_[i];
    stride_ = static_cast<std::uint64_t>(
        std::max<Index>(1, (count(counts_) * static_cast<Index>(volumes) + kMostTiles - 1) / kMostTiles));
  }
  const Index3& shape() const { return shape_; }
  // Those that begin in `core`.
  Box3 within(const Box3& core) const {
    Box3 tiles;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto first_from = [&](Index voxel) {
        return std::clamp<Index>((voxel - margin(i) + shape_[i] - 1) / shape_[i], 0, counts_[i]);
      };
      tiles.origin[i] = first_from(core.origin[i]);
      tiles.extent[i] = first_from(core.end(i)) - tiles.origin[i];
    }
    return tiles;
  }
  Index3 first_voxel(const Index3& tile) const {
    return {tile[kZ] * shape_[kZ], tile[kY] * shape_[kY] + kMargin, tile[kX] * shape_[kX] + kMargin};
  }
  std::int64_t number(std::size_t volume, const Index3& tile) const {
    const Index plane = static_cast<Index>(volume) * counts_[kZ] + tile[kZ];
    return (plane * counts_[kY] + tile[kY]) * counts_[kX] + tile[kX];
  }
  // Scattered, so that no row or column is preferred.
  bool is_sampled(std::int64_t number) const {
    return (static_cast<std::uint64_t>(number) * 0x9E3779B97F4A7C15U >> 32) % stride_ == 0;
  }

 private:
  static Index margin(std::size_t axis) { return axis == kZ ? 0 : kMargin; }
  Index3 shape_, counts_{};
  std::uint64_t stride_;
};

// Looks at the tile whose first voxel is `first` of `in`; nothing where a voxel is not finite.
std::optional<NoiseTile> look_at(VolumeView<const float> in, const Index3& first, const Index3& shape) {
  constexpr double kSecondDifference = 1.0 / 36;  // of [1 -2 1] along y and x, to a variance of 1
  const Index quarters = shape[kX] / kQuarter;
  std::array<double, 8> sums{};
  double differences = 0;
  NoiseTile tile;
  tile.highest = in(first[kZ], first[kY], first[kX]);
  float lowest = tile.highest;
  for (Index z = first[kZ]; z < first[kZ] + shape[kZ]; ++z)
    for (Index y = 0; y < shape[kY]; ++y) {
      const float *above = in.row(z, first[kY] + y - 1), *row = in.row(z, first[kY] + y),
                  *below = in.row(z, first[kY] + y + 1);
      for (Index x = 0; x < shape[kX]; ++x) {
        const Index at = first[kX] + x;
        const auto along_y = [&](Index i) {
          return static_cast<double>(above[i]) - 2 * static_cast<double>(row[i]) + static_cast<double>(below[i]);
        };
        const double difference = along_y(at - 1) - 2 * along_y(at) + along_y(at + 1);
        differences += difference * difference;
        sums[static_cast<std::size_t>(y / kQuarter * quarters + x / kQuarter)] += static_cast<double>(row[at]);
        lowest = std::min(lowest, row[at]);
        if (row[at] > tile.highest) tile.highest = row[at], tile.at_highest = 0;
        tile.at_highest += row[at] == tile.highest ? 1 : 0;
      }
    }
  // A difference holds every voxel of the tile, so none of them is NaN or infinite when the sum is finite.
  if (!std::isfinite(differences) || lowest == tile.highest) return std::nullopt;
  const auto parts = static_cast<std::size_t>(shape[kY] / kQuarter * quarters);
  const double part_voxels = static_cast<double>(count(shape)) / static_cast<double>(parts);
  double mean = 0, squares = 0;
  for (std::size_t i = 0; i < parts; ++i) mean += sums[i] / part_voxels / static_cast<double>(parts);
  for (std::size_t i = 0; i < parts; ++i) squares += std::pow(sums[i] / part_voxels - mean, 2);
  tile.mean = static_cast<float>(mean);
  tile.variance = static_cast<float>(differences * kSecondDifference / static_cast<double>(count(shape)));
  tile.unevenness = static_cast<float>(squares / static_cast<double>(parts));
  return tile;
}

using Tiles = std::vector<const NoiseTile*>;

double quantile(std::vector<double> values, double part) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double quantile(const Tiles& tiles, float NoiseTile::*member, double part) {
  std::vector<double> values;
  for (const NoiseTile* tile : tiles) values.push_back(static_cast<double>(tile->*member));
  return quantile(std::move(values), part);
}

// The even tiles of one level of intensity.
struct Level {
  double mean = 0, variance = 0, tiles = 0;
};

// Nothing where there is no noise, or too many of the tiles hold voxels from `clipped` on.
std::optional<Level> level_of(Tiles tiles, double clipped) {
  std::sort(tiles.begin(), tiles.end(), [](const NoiseTile* a, const NoiseTile* b) {
    return a->unevenness != b->unevenness ? a->unevenness < b->unevenness : a->number < b->number;
  });
  // Of many tiles, the more even ones.
  tiles.resize(std::max({std::size_t{1}, tiles.size() / 10, std::min(tiles.size() / 2, kEnoughTiles)}));
  Level level;
  level.tiles = static_cast<double>(tiles.size());
  double with_clipped = 0;
  for (const NoiseTile* tile : tiles) {
    level.mean += static_cast<double>(tile->mean) / level.tiles;
    level.variance += static_cast<double>(tile->variance) / level.tiles;
    with_clipped += static_cast<double>(tile->highest) >= clipped ? 1 : 0;
  }
  if (!(level.variance > 0) || with_clipped > kClippedPart * level.tiles) return std::nullopt;
  return level;
}

// Levels of equal width, several times as wide as noise scatters the means of tiles: it would blur the line otherwise.
std::vector<Level> levels_of(const Tiles& tiles, double clipped) {
  constexpr double kWidth_sd = 5;
  const double low = quantile(tiles, &NoiseTile::mean, 0.001), high = quantile(tiles, &NoiseTile::mean, 0.9995);
  const double mean_sd = std::sqrt(quantile(tiles, &NoiseTile::variance, 0.5) / static_cast<double>(kTileVoxels));
  const double width = std::max({(high - low) / kMostLevels, kWidth_sd * mean_sd, 1e-30});
  std::vector<Tiles> sorted(static_cast<std::size_t>((high - low) / width) + 1);
  for (const NoiseTile* tile : tiles) {
    const double place = (static_cast<double>(tile->mean) - low) / width;
    if (place >= 0 && place < static_cast<double>(sorted.size()))
      sorted[static_cast<std::size_t>(place)].push_back(tile);
  }
  std::vector<Level> levels;
  for (Tiles& level : sorted)
    if (level.size() >= kFewestTiles)
      if (const auto found = level_of(std::move(level), clipped)) levels.push_back(*found);
  if (levels.empty())
    if (const auto found = level_of(tiles, clipped)) levels.push_back(*found);
  return levels;
}

// The lowest intensity of clipped voxels; infinite where there are none.
double clipped_from(const Tiles& tiles, std::optional<double> saturation) {
  if (saturation) return *saturation;
  const NoiseTile* highest = *std::max_element(
      tiles.begin(), tiles.end(), [](const NoiseTile* a, const NoiseTile* b) { return a->highest < b->highest; });
  const bool shared = std::any_of(tiles.begin(), tiles.end(), [&](const NoiseTile* tile) {
    return tile->highest == highest->highest && tile->at_highest > kMostClipped;
  });
  return shared ? static_cast<double>(highest->highest) : std::numeric_limits<double>::infinity();
}

// variance = gain * intensity + at_zero.
struct VarianceLine {
  double gain, at_zero;
};

// Fits the line by weighted least squares, in rounds: levels that lie far off, where structure passes for noise, count
// less and less (Beaton and Tukey 1974, doi:10.1080/00401706.1974.10489171).
VarianceLine fit_line(const std::vector<Level>& levels, std::optional<double> gain) {
  constexpr int kRounds = 12;
  constexpr double kFarthest = 4.5;  // usual misfits: about three standard deviations
  const auto tiles = [](const Level& l) { return std::min(l.tiles, 200.0); };
  std::vector<double> trust(levels.size(), 1), expected;
  for (const Level& l : levels) expected.push_back(l.variance);
  VarianceLine line{gain.value_or(0), 0};
  for (int round = 0; round < kRounds; ++round) {
    double sum = 0, mean = 0, variance = 0, covariance = 0, spread = 0;
    const auto weight = [&](std::size_t i) { return tiles(levels[i]) * trust[i] / (expected[i] * expected[i]); };
    for (std::size_t i = 0; i < levels.size(); ++i)
      sum += weight(i), mean += weight(i) * levels[i].mean, variance += weight(i) * levels[i].variance;
    mean /= sum, variance /= sum;
    for (std::size_t i = 0; i < levels.size(); ++i) {
      covariance += weight(i) * (levels[i].mean - mean) * (levels[i].variance - variance);
      spread += weight(i) * std::pow(levels[i].mean - mean, 2);
    }
    if (!gain) line.gain = spread > 0 ? std::max(covariance / spread, 0.0) : 0;
    line.at_zero = variance - line.gain * mean;
    std::vector<double> misfits;
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const Level& l = levels[i];
      expected[i] = std::max(line.gain * l.mean + line.at_zero, 1e-2 * l.variance);
      misfits.push_back(std::abs(l.variance - expected[i]) / expected[i] * std::sqrt(tiles(l)));
    }
    const double farthest = kFarthest * quantile(misfits, 0.5) + 1e-9;
    for (std::size_t i = 0; i < levels.size(); ++i)
      trust[i] = std::pow(std::max(1 - std::pow(misfits[i] / farthest, 2), 0.0), 2);
  }
  return line;
}
Tiles pointers_to(const std::vector<NoiseTile>& tiles) {
  Tiles pointers;
  for (const NoiseTile& tile : tiles) pointers.push_back(&tile);
  return pointers;
}

// Of another camera, or mistyped. What is only somewhat off passes.
void check_stated(const NoiseModel& stated, const Tiles& tiles) {
  if (tiles.empty()) return;
  const double dark = quantile(tiles, &NoiseTile::mean, kFarBelow);
  const double deviation = std::sqrt(std::max(quantile(tiles, &NoiseTile::variance, kFarBelow), 0.0));
  if (stated.offset - dark > kFarOff * (deviation + stated.read_noise))
    throw UserError(fmt::format(
        "noise.offset is {}, but a quarter of the image is darker than {}; state the offset of this image's camera "
        "(annotation 'camera_offset'), or leave it out to have it found",
        stated.offset, static_cast<float>(dark)));
  const double shown = quantile(tiles, &NoiseTile::variance, 0.5);
  const double expected = stated.variance(quantile(tiles, &NoiseTile::mean, 0.5));
  if (shown > 0 && expected > kMostTimes * kMostTimes * shown)
    throw UserError(fmt::format(
        "noise.gain {}, noise.offset {} and noise.read_noise {} make noise of {:.3g}, but the image shows {:.3g}; "
        "state what this image's camera has (annotations 'camera_gain', 'camera_offset', 'camera_read_noise'), or "
        "leave them out to have them found",
        stated.gain, stated.offset, stated.read_noise, std::sqrt(expected), std::sqrt(shown)));
}

}  // namespace

NoiseSurvey::NoiseSurvey(const Block& block, const Context& ctx) {
  const TileLattice lattice(block.grid.shape, block.slices());
  const Box3 tiles = lattice.within(block.core);
  const Index3& origin = block.box().origin;
  for (std::size_t volume = 0; volume < block.slices(); ++volume)
    for (Index z = tiles.origin[kZ]; z < tiles.end(kZ) && !ctx.cancelled(); ++z)
      for (Index y = tiles.origin[kY]; y < tiles.end(kY); ++y)
        for (Index x = tiles.origin[kX]; x < tiles.end(kX); ++x) {
          const std::int64_t number = lattice.number(volume, {z, y, x});
          if (!lattice.is_sampled(number)) continue;
          Index3 first = lattice.first_voxel({z, y, x});
          for (std::size_t i = 0; i < 3; ++i) first[i] -= origin[i];
          if (auto tile = look_at(block.input("image", volume), first, lattice.shape())) {
            tile->number = number;
            tiles_.push_back(*tile);
          }
        }
}

void NoiseSurvey::add(const NoiseSurvey& next) {
  tiles_.insert(tiles_.end(), next.tiles_.begin(), next.tiles_.end());
}

NoiseSurvey NoiseSurvey::decode(ByteReader& in) {
  NoiseSurvey survey;
  survey.tiles_ = in.get_vector<NoiseTile>();
  return survey;
}

std::optional<NoiseModel> NoiseSurvey::model(const NoiseParams& known, std::optional<double> saturation) const {
  const auto or_none = [](const NoiseModel& m) {
    return m.gain > 0 || m.read_noise > 0 ? std::optional(m) : std::nullopt;
  };
  if (known.complete()) {
    const NoiseModel stated{*known.gain, *known.offset, *known.read_noise};
    check_stated(stated, pointers_to(tiles_));
    return or_none(stated);
  }
  if (tiles_.empty()) return std::nullopt;
  const Tiles tiles = pointers_to(tiles_);
  const std::vector<Level> levels = levels_of(tiles, clipped_from(tiles, saturation));
  if (levels.empty()) return std::nullopt;
  const VarianceLine line = fit_line(levels, known.gain);
  NoiseModel model{line.gain, 0, 0};
  model.offset = known.offset.value_or(quantile(tiles, &NoiseTile::mean, kDark));
  const double dark_variance = line.gain * model.offset + line.at_zero;
  // Without read noise, the line says where there is no light.
  if (dark_variance < 0 && !known.offset) model.offset = -line.at_zero / line.gain;
  model.read_noise = known.read_noise.value_or(std::sqrt(std::max(dark_variance, 0.0)));
  if (known.offset) check_stated(model, tiles);
  return or_none(model);
}

std::optional<double> NoiseSurvey::highest() const {
  if (tiles_.empty()) return std::nullopt;
  return std::max_element(tiles_.begin(), tiles_.end(),
                          [](const NoiseTile& a, const NoiseTile& b) { return a.highest < b.highest; })
      ->highest;
}

std::optional<double> NoiseSurvey::level(double part) const {
  if (tiles_.empty()) return std::nullopt;
  return quantile(pointers_to(tiles_), &NoiseTile::mean, part);
}

SmallValues noise_findings(const NoiseSurvey& survey, const NoiseParams& known, std::optional<double> saturation) {
  const NoiseModel noise = survey.model(known, saturation).value_or(NoiseModel{0, 0, 0});
  std::string found;
  const auto add_unless = [&](bool is_known, const char* name) {
    if (!is_known) found += (found.empty() ? "" : ", ") + std::string(name);
  };
  add_unless(known.gain.has_value(), "gain");
  add_unless(known.offset.has_value(), "offset");
  add_unless(known.read_noise.has_value(), "read_noise");
  Table row;
  row.add({"noise.gain", "", std::vector<double>{noise.gain}});
  row.add({"noise.offset", "", std::vector<double>{noise.offset}});
  row.add({"noise.read_noise", "", std::vector<double>{noise.read_noise}});
  row.add({"found", "", std::vector<std::string>{found.empty() ? "none" : found}});
  return {{kFindings, std::move(row)}};
}

Halo noise_halo() {
  return {{0, kMargin, kMargin}, {1, 8, 16}};
}

Halo with_noise_halo(const Index3& reach) {
  Halo halo = noise_halo();
  for (std::size_t i = 0; i < 3; ++i) {
    halo.low[i] = std::max(halo.low[i], reach[i]);
    halo.high[i] = std::max(halo.high[i], reach[i]);
  }
  return halo;
}

void check_noise(const NoiseParams& noise) {
  if (noise.gain == 0 && noise.read_noise == 0)
    throw UserError(
        "noise.gain and noise.read_noise are both 0, so there is nothing to take out; state the camera's, or leave "
        "both out to have them found");
}

std::size_t noise_survey_bytes(const Index3& extent) {
  // The list grows by doubling, and is written as bytes.
  return static_cast<std::size_t>(count(extent) / kTileVoxels + 1) * 4 * sizeof(NoiseTile);
}

}  // namespace voxflow::shared
