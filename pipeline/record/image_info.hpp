// What is known of an image without reading its voxels.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/core/dtype.hpp"
#include "pipeline/core/geometry.hpp"

namespace voxflow::record {

/// What the voxels of an image mean.
enum class ImageKind { intensity, labels, mask, psf };
std::string_view to_string(ImageKind k);
std::optional<ImageKind> image_kind_from(std::string_view name);

struct Channel {
  std::string name;
  std::optional<double> emission_nm, excitation_nm;
  friend bool operator==(const Channel&, const Channel&) = default;
};

/// Axes t, c, z, y, x. `dtype` is that of the voxels in memory and in the content digest; labels are uint32 there.
struct ImageInfo {
  ImageKind kind = ImageKind::intensity;
  DType dtype = DType::uint16;
  Grid grid;  // spacing in micrometres
  int timepoints = 1;
  std::vector<Channel> channels;  // one entry a channel, never empty
  std::optional<double> time_step_s;
  int channel_count() const { return static_cast<int>(channels.size()); }
  std::string to_json() const;  // one line
  /// Throws UserError when `text` is not that.
  static ImageInfo from_json(std::string_view text);
  friend bool operator==(const ImageInfo&, const ImageInfo&) = default;
};

}  // namespace voxflow::record
