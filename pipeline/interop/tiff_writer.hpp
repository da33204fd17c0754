// Writes one image to a TIFF, box by box, in one of two profiles: for ImageJ, or as OME-TIFF.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/core/dtype.hpp"
#include "pipeline/core/geometry.hpp"
#include "pipeline/record/image_info.hpp"

namespace voxflow::interop {

/// imagej: a hyperstack whose voxels lie uncompressed in one piece, of any size. ome: OME-TIFF with compressed tiles
/// and smaller copies of each plane, a BigTIFF where a classic TIFF would not hold it.
enum class TiffProfile { imagej, ome };
enum class Existing { refuse, replace };

/// What the stored numbers stand for: offset + scale * number.
struct LinearScale {
  double offset = 0, scale = 1;
};

/// What a TIFF is to hold. ImageJ reads uint8, uint16 and float32.
struct TiffStack {
  TiffProfile profile = TiffProfile::imagej;
  DType dtype = DType::uint16;
  record::ImageKind kind = record::ImageKind::intensity;  // how smaller copies are made
  Index3 shape{1, 1, 1};
  int channels = 1, timepoints = 1;
  Spacing3 spacing{};
  std::optional<double> time_step_s;
  std::string name;
  std::vector<record::Channel> channel_details;            // one entry a channel; empty: nothing is known of them
  std::vector<std::pair<std::string, std::string>> notes;  // where the image comes from: key and value
  std::optional<LinearScale> values;
  std::vector<std::vector<unsigned char>> overlay;  // regions of interest for ImageJ, each as a .roi file
};

/// A TIFF with calibration in micrometres. Written under a temporary name and renamed by `finish`; gone without trace
/// unless finished. Equal voxels and texts give equal bytes. Not thread-safe.
class TiffWriter {
 public:
  /// Throws UserError when `file` is there already and not to be replaced, or when readers could not read the type or
  /// the size of its planes; SystemError or DiskFullError when the file cannot be written.
  TiffWriter(const std::filesystem::path& file, const TiffStack& stack, Existing existing = Existing::refuse);
  ~TiffWriter();
  TiffWriter(const TiffWriter&) = delete;
  TiffWriter& operator=(const TiffWriter&) = delete;

  /// Boxes begin at a multiple of so many rows, and are that high or a multiple of it, except at the volume's end.
  Index row_step() const;
  /// Whole rows of volume (t, c), in the stack's type, z-y-x without gaps. Each row is written once, in any order of
  /// boxes. Throws InternalError when the box is not of that kind, SystemError or DiskFullError.
  void write(int t, int c, const Box3& box, const void* voxels);
  /// The next plane, row by row: channel first, then z, then timepoint. Throws as `write` does.
  void write_plane(const void* voxels);
  /// Throws InternalError when rows are missing, SystemError or DiskFullError.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace voxflow::interop
