#include "pipeline/interop/tiff_writer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/interop/imagej_description.hpp"
#include "pipeline/interop/tiff_handle.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
// Offsets of a classic TIFF have 32 bits; a page's directory and tags take less than 400 bytes.
constexpr std::uint64_t kMostBytes = 4'000'000'000;
constexpr std::uint64_t kPageOverheadBytes = 400;

ImageJDescription describe(const TiffStack& stack) {
  ImageJDescription d;
  d.channels = stack.channels;
  d.slices = static_cast<long>(stack.shape[kZ]);
  d.frames = stack.timepoints;
  d.images = d.channels * d.slices * d.frames;
  d.unit = "micron";
  if (d.slices > 1) d.spacing = stack.spacing[kZ].value;
  d.frame_interval_s = stack.time_step_s;
  return d;
}

std::uint16_t tiff_compression(TiffCompression c) {
  return c == TiffCompression::none  ? COMPRESSION_NONE
         : c == TiffCompression::lzw ? COMPRESSION_LZW
                                     : COMPRESSION_ADOBE_DEFLATE;
}

void check(const fs::path& file, const TiffStack& stack, Existing existing) {
  if (existing == Existing::refuse && fs::exists(file))
    throw UserError(fmt::format("'{}' is there already; remove it, or write elsewhere", file.string()));
  if (stack.dtype == DType::uint32)
    throw UserError(
        fmt::format("'{}': ImageJ reads no 32-bit integers; write uint8, uint16 or float32", file.string()));
  const auto planes = static_cast<std::uint64_t>(describe(stack).images);
  const auto plane_bytes = static_cast<std::uint64_t>(stack.shape[kY] * stack.shape[kX]) * size_bytes(stack.dtype);
  if (planes * (plane_bytes + kPageOverheadBytes) > kMostBytes)
    throw UserError(
        fmt::format("'{}' would be {} bytes; an ImageJ TIFF holds at most {}: write fewer timepoints or channels",
                    file.string(), planes * plane_bytes, kMostBytes));
}
}  // namespace

struct TiffWriter::Impl {
  fs::path file, temporary;
  TiffStack stack;
  TiffMessages messages;
  TiffHandle tiff;
  long written = 0, planes = 0;

  [[noreturn]] void fail() const {
    const int error = errno;
    const std::string what = fmt::format("cannot write '{}' ({})", file.string(), messages.last_error);
    if (error == ENOSPC || error == EDQUOT) throw DiskFullError(what + ": the disk or quota is full");
    throw SystemError(what);
  }

  template <class... A>
  void set(std::uint32_t tag, A... value) {
    if (TIFFSetField(tiff.get(), tag, value...) != 1) fail();
  }

  void set_tags() {
    set(TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(stack.shape[kX]));
    set(TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(stack.shape[kY]));
    set(TIFFTAG_BITSPERSAMPLE, static_cast<int>(8 * size_bytes(stack.dtype)));
    set(TIFFTAG_SAMPLEFORMAT, stack.dtype == DType::float32 ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
    set(TIFFTAG_SAMPLESPERPIXEL, 1);
    set(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    set(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    set(TIFFTAG_COMPRESSION, static_cast<int>(tiff_compression(stack.compression)));
    set(TIFFTAG_ROWSPERSTRIP, static_cast<std::uint32_t>(stack.shape[kY]));
    set(TIFFTAG_RESOLUTIONUNIT, RESUNIT_NONE);
    set(TIFFTAG_XRESOLUTION, 1 / stack.spacing[kX].value);
    set(TIFFTAG_YRESOLUTION, 1 / stack.spacing[kY].value);
    if (written == 0) set(TIFFTAG_IMAGEDESCRIPTION, format_imagej_description(describe(stack)).c_str());
  }
};

TiffWriter::TiffWriter(const fs::path& file, const TiffStack& stack, Existing existing)
    : impl_(std::make_unique<Impl>()) {
  check(file, stack, existing);
  impl_->file = file;
  impl_->temporary = file.parent_path() / fmt::format(".{}.tmp-{}", file.filename().string(), ::getpid());
  impl_->stack = stack;
  impl_->planes = describe(stack).images;
  errno = 0;
  impl_->tiff = open_tiff(impl_->temporary, "w", impl_->messages);
  if (!impl_->tiff) impl_->fail();
}

TiffWriter::~TiffWriter() {
  impl_->tiff.reset();
  std::error_code ignored;  // after finish there is no temporary file
  fs::remove(impl_->temporary, ignored);
}

void TiffWriter::write_plane(const void* voxels) {
  if (impl_->written == impl_->planes) throw InternalError("more planes were written to a TIFF than it holds");
  errno = 0;
  impl_->set_tags();
  const Index3& shape = impl_->stack.shape;
  const auto bytes =
      static_cast<tmsize_t>(shape[kY] * shape[kX]) * static_cast<tmsize_t>(size_bytes(impl_->stack.dtype));
  // libtiff leaves the voxels as they are: the byte order is the machine's own.
  if (TIFFWriteEncodedStrip(impl_->tiff.get(), 0, const_cast<void*>(voxels), bytes) != bytes) impl_->fail();
  if (TIFFWriteDirectory(impl_->tiff.get()) != 1) impl_->fail();
  ++impl_->written;
}

void TiffWriter::finish() {
  if (impl_->written != impl_->planes)
    throw InternalError(
        fmt::format("'{}' holds {} planes, but {} were written", impl_->file.string(), impl_->planes, impl_->written));
  errno = 0;
  if (TIFFFlush(impl_->tiff.get()) != 1) impl_->fail();
  impl_->tiff.reset();
  fsync_path(impl_->temporary);
  std::error_code error;
  fs::rename(impl_->temporary, impl_->file, error);
  if (error) throw_errno(fmt::format("cannot write '{}'", impl_->file.string()), error.value());
}

}  // namespace voxflow::interop
