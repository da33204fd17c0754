#include "pipeline/phantom/truth.hpp"

#include <fmt/format.h>

#include <charconv>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/tiff_image.hpp"

namespace fs = std::filesystem;

namespace voxflow::phantom {

namespace {
template <class T>
T number(const std::string& text, const fs::path& file) {
  T v{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size())
    throw UserError(fmt::format("'{}': '{}' is no number", file.string(), text));
  return v;
}

template <class T>
TruthVolume<T> read_volume(const fs::path& file, SampleType type) {
  interop::TiffImage image(file);
  if (image.facts().type != type || image.facts().timepoints != 1 || image.facts().channels.size() != 1)
    throw UserError(fmt::format("'{}' is not the truth of a synthetic image", file.string()));
  TruthVolume<T> volume{image.facts().shape, {}};
  const auto plane = static_cast<std::size_t>(volume.shape[kY] * volume.shape[kX]);
  volume.voxels.resize(plane * static_cast<std::size_t>(volume.shape[kZ]));
  for (Index z = 0; z < volume.shape[kZ]; ++z)
    image.read_plane(0, 0, z, volume.voxels.data() + static_cast<std::size_t>(z) * plane);
  return volume;
}
}  // namespace

std::vector<ImageTruth> read_truth(const fs::path& folder) {
  const fs::path file = folder / "truth" / "truth.tsv";
  std::vector<ImageTruth> truth;
  const auto lines = split(read_file(file), '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const auto f = split(lines[i], '\t');
    if (f.size() < 7)
      throw UserError(fmt::format("'{}', line {}: it has {} columns, not 7 or more", file.string(), i + 1, f.size()));
    truth.push_back({f[0],
                     f[1],
                     f[2],
                     number<int>(f[3], file),
                     {number<double>(f[4], file), number<double>(f[5], file), number<double>(f[6], file)}});
  }
  return truth;
}

TruthVolume<float> read_clean(const fs::path& folder, const std::string& image, int channel) {
  return read_volume<float>(folder / "truth" / fmt::format("{}_clean_C{}.tif", image, channel), SampleType::float32);
}

std::optional<TruthVolume<float>> read_sharp(const fs::path& folder, const std::string& image, int channel) {
  const fs::path file = folder / "truth" / fmt::format("{}_sharp_C{}.tif", image, channel);
  if (!fs::exists(file)) return std::nullopt;
  return read_volume<float>(file, SampleType::float32);
}

std::optional<TruthVolume<std::uint32_t>> read_labels(const fs::path& folder, const std::string& image) {
  const fs::path file = folder / "truth" / fmt::format("{}_labels.tif", image);
  if (!fs::exists(file)) return std::nullopt;
  const auto small = read_volume<std::uint16_t>(file, SampleType::uint16);
  return TruthVolume<std::uint32_t>{small.shape, {small.voxels.begin(), small.voxels.end()}};
}

}  // namespace voxflow::phantom
