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

/// Opens with libtiff's `mode`; empty when that fails, with the reason in `messages`, which must outlive the handle.
TiffHandle open_tiff(const std::filesystem::path& file, const char* mode, TiffMessages& messages);

}  // namespace voxflow::interop
