// One TIFF file page by page: voxels and the tags that matter, with libtiff's messages kept instead of printed.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/core/geometry.hpp"
#include "pipeline/core/sample_type.hpp"

namespace voxflow::interop {

/// One page's size and type; `refused` says why its voxels cannot be read, "" when they can.
struct PageInfo {
  Index height = 0, width = 0;
  SampleType type = SampleType::uint8;
  std::string refused;
};

/// A TIFF or BigTIFF for reading; open while pages are read and until `close`. Pages may be read by several threads at
/// a time. Every error names the file, and the page (counted from 1).
class TiffFile {
 public:
  /// Reads all page directories. Throws UserError when the file is not there, is no TIFF, or ends within a directory.
  explicit TiffFile(const std::filesystem::path& file);
  ~TiffFile();
  TiffFile(TiffFile&&) noexcept;
  TiffFile& operator=(TiffFile&&) noexcept;

  const std::filesystem::path& path() const;
  int page_count() const;
  /// The page's size and type. Throws UserError when its voxels cannot be read.
  const PageInfo& page(int page) const;
  /// ImageDescription of the first page, "" when there is none.
  const std::string& description() const;
  /// Voxels per unit along x or y as the first page says, with the precision of a 32-bit float; nothing when absent or
  /// 0.
  std::optional<double> x_resolution() const;
  std::optional<double> y_resolution() const;
  /// Copies the page's voxels, row by row, as stored_dtype(page(page).type). Throws UserError when they are damaged or
  /// cut off.
  void read_page(int page, void* voxels) const;
  /// Gives the descriptors back until the next read. Not while another thread reads.
  void close();
  /// "libtiff 4.5.0".
  static std::string library();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace voxflow::interop
