// RAII for libtiff's handle, with its errors kept per handle; included by the sources of this room only.
#pragma once
#include <tiffio.h>

#include <filesystem>
#include <memory>
#include <string>

namespace voxflow::interop {

/// The last error of a handle; warnings are dropped, since they concern tags that nobody reads here.
struct TiffMessages {
  std::string last_error;
};

struct TiffCloser {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using TiffHandle = std::unique_ptr<TIFF, TiffCloser>;

/// Opens for reading; empty when that fails, with the reason in `messages`, which must outlive the handle.
TiffHandle open_tiff(const std::filesystem::path& file, TiffMessages& messages);

/// The same for a file whose `bytes` are in memory: nothing asks the system for each of many small pieces.
TiffHandle open_tiff(const std::filesystem::path& file, std::shared_ptr<const std::string> bytes,
                     TiffMessages& messages);

}  // namespace voxflow::interop
