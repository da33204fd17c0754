#include "pipeline/interop/image_file.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/interop/converted_image.hpp"
#include "pipeline/interop/disk_errors.hpp"
#include "pipeline/interop/hdf5_image.hpp"
#include "pipeline/interop/itk_image.hpp"
#include "pipeline/interop/mrc_image.hpp"
#include "pipeline/interop/spimdata_xml.hpp"
#include "pipeline/interop/tiff_image.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr std::size_t kHeadBytes = 4096;

/// The first bytes of a file. Throws SystemError when they cannot be read.
std::string head_of(const fs::path& file) {
  std::string head(kHeadBytes, '\0');
  const int in = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t n = in < 0 ? -1 : ::read(in, head.data(), head.size());
  const int error = errno;
  if (in >= 0) ::close(in);
  if (n < 0) throw_errno(fmt::format("cannot read '{}'", file.string()), error);
  head.resize(static_cast<std::size_t>(n));
  return head;
}

bool is_tiff(std::string_view head) {
  using namespace std::string_view_literals;
  for (const std::string_view magic : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv})
    if (head.starts_with(magic)) return true;
  return false;
}

[[noreturn]] void refuse_folder(const fs::path& folder) {
  for (const char* name : {".zgroup", ".zattrs", ".zarray", "zarr.json"})
    if (fs::exists(folder / name))
      throw UserError(fmt::format(
          "'{}' is a Zarr folder, which is not read; write it as OME-TIFF, for example with napari, Fiji or "
          "Python's tifffile, and import that",
          folder.string()));
  throw UserError(fmt::format("'{}' is a folder; name the files in it", folder.string()));
}

std::unique_ptr<ImageFile> open_by_content(const fs::path& file, std::string_view head, const OpenOptions& options) {
  const bool hdf5 = archive::Hdf5File::is_hdf5(file);
  if (!options.dataset.empty() && !hdf5)
    throw UserError(fmt::format("'{}' is no HDF5 file, so it has no dataset '{}'", file.string(), options.dataset));
  if (is_tiff(head)) return std::make_unique<TiffImage>(file, options);
  if (hdf5) return open_hdf5(file, options);
  if (is_spimdata(head)) return open_bdv_xml(file, options);
  if (MrcImage::is_mrc(head)) {
    refuse_series(file, options);
    return std::make_unique<MrcImage>(file);
  }
  if (auto image = open_itk(file, head)) {
    refuse_series(file, options);
    return image;
  }
  return open_converted(file, options);
}
}  // namespace

std::unique_ptr<ImageFile> open_image(const fs::path& file, const OpenOptions& options) {
  std::error_code error;
  if (fs::is_directory(file, error)) refuse_folder(file);
  if (!fs::is_regular_file(file, error)) throw UserError(fmt::format("there is no file '{}'", file.string()));
  const std::string head = head_of(file);
  return telling_disk_errors(file, [&] { return open_by_content(file, head, options); });
}

void refuse_series(const fs::path& file, const OpenOptions& options) {
  if (options.series.value_or(0) != 0)
    throw UserError(
        fmt::format("'{}': it has no series {}; it holds one image, series 0", file.string(), *options.series));
}

}  // namespace voxflow::interop
