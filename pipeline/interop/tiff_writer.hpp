// Writes ImageJ hyperstack TIFFs plane by plane.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>

#include "pipeline/core/dtype.hpp"
#include "pipeline/core/geometry.hpp"

namespace voxflow::interop {

enum class TiffCompression { none, deflate, lzw };
enum class Existing { refuse, replace };

/// What a TIFF is to hold; uint8, uint16 or float32.
struct TiffStack {
  DType dtype = DType::uint16;
  Index3 shape{1, 1, 1};
  int channels = 1, timepoints = 1;
  Spacing3 spacing{};
  std::optional<double> time_step_s;
  TiffCompression compression = TiffCompression::none;
};

/// An ImageJ hyperstack TIFF with calibration in micrometres. Written under a temporary name and renamed by `finish`;
/// gone without trace unless finished. Not thread-safe.
class TiffWriter {
 public:
  /// Throws UserError when `file` is there already and not to be replaced, when ImageJ could not read the type or the
  /// size (more than 4 GB); SystemError or DiskFullError when the file cannot be written.
  TiffWriter(const std::filesystem::path& file, const TiffStack& stack, Existing existing = Existing::refuse);
  ~TiffWriter();
  TiffWriter(const TiffWriter&) = delete;
  TiffWriter& operator=(const TiffWriter&) = delete;

  /// The next plane, row by row, in the stack's type: channel first, then z, then timepoint. Throws SystemError or
  /// DiskFullError.
  void write_plane(const void* voxels);
  /// Throws InternalError when planes are missing, SystemError or DiskFullError.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace voxflow::interop
