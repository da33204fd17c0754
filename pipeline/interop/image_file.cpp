#include "pipeline/interop/image_file.hpp"

#include "pipeline/interop/tiff_image.hpp"

namespace voxflow::interop {

std::unique_ptr<ImageFile> open_image(const std::filesystem::path& file, const OpenOptions& options) {
  return std::make_unique<TiffImage>(file, options);
}

}  // namespace voxflow::interop
