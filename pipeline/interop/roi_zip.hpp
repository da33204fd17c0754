// ZIP archives of .roi files, as ImageJ's ROI Manager opens and saves them; private to this room.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "pipeline/interop/output_file.hpp"
#include "pipeline/interop/tiff_directory.hpp"

namespace voxflow::interop {

/// Entries are deflated, in the order in which they come, without times: equal entries give equal bytes. Not
/// thread-safe.
class RoiZipWriter {
 public:
  /// Keeps a reference. Throws SystemError or DiskFullError.
  explicit RoiZipWriter(OutputFile& out);
  ~RoiZipWriter();
  RoiZipWriter(const RoiZipWriter&) = delete;
  RoiZipWriter& operator=(const RoiZipWriter&) = delete;

  /// `name` without ".roi", in UTF-8. Throws SystemError or DiskFullError.
  void add(const std::string& name, const Bytes8& roi);
  /// The archive is whole now; its file is not yet committed.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Calls f(name, bytes) for every entry that ends in ".roi", in order; or once for a single .roi file. Throws UserError
/// when `file` is neither or is damaged.
void for_each_roi(const std::filesystem::path& file,
                  const std::function<void(const std::string& name, std::string_view bytes)>& f);

}  // namespace voxflow::interop
