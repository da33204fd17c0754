#include "pipeline/interop/tiff_file.hpp"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <mutex>
#include <vector>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/tiff_handle.hpp"
#include "pipeline/interop/tiff_page.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr std::uintmax_t kSmallFile_bytes = 1 << 20;

/// libtiff's handle with the place for its messages; one thread at a time.
struct OpenTiff {
  TiffMessages messages;
  TiffHandle handle;
  TIFF* get() const { return handle.get(); }
  std::string reason() const { return messages.last_error.empty() ? "" : " (" + messages.last_error + ")"; }
};
}  // namespace

struct TiffFile::Impl {
  struct Page {
    PageInfo info;
    std::uint64_t offset = 0;
  };
  fs::path file;
  std::vector<Page> pages;
  std::string description;
  std::optional<double> x_resolution, y_resolution;
  std::mutex lock;
  std::shared_ptr<const std::string> bytes;
  std::vector<std::unique_ptr<OpenTiff>> idle;  // open, used by no thread

  [[noreturn]] void fail(int page, const std::string& what) const {
    throw UserError(fmt::format("'{}', page {}: {}", file.string(), page + 1, what));
  }

  /// The file's bytes, when they are few; kept until `close`.
  std::shared_ptr<const std::string> small_file() {
    const std::lock_guard hold(lock);
    if (!bytes && fs::file_size(file) <= kSmallFile_bytes) bytes = std::make_shared<const std::string>(read_file(file));
    return bytes;
  }

  std::unique_ptr<OpenTiff> open() {
    {
      const std::lock_guard hold(lock);
      if (!idle.empty()) {
        auto tiff = std::move(idle.back());
        idle.pop_back();
        return tiff;
      }
    }
    auto tiff = std::make_unique<OpenTiff>();
    const auto whole = small_file();
    tiff->handle = whole ? open_tiff(file, whole, tiff->messages) : open_tiff(file, tiff->messages);
    if (!tiff->handle)
      throw UserError(
          fmt::format("'{}' cannot be read as a TIFF{}; give a TIFF or OME-TIFF file", file.string(), tiff->reason()));
    return tiff;
  }

  void put_back(std::unique_ptr<OpenTiff> tiff) {
    const std::lock_guard hold(lock);
    idle.push_back(std::move(tiff));
  }

  void read_first_page_tags(TIFF* tiff) {
    const char* text = nullptr;
    if (TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &text) == 1 && text != nullptr) description = text;
    const auto resolution = [tiff](std::uint32_t tag) -> std::optional<double> {
      float v = 0;
      if (TIFFGetField(tiff, tag, &v) != 1 || !(v > 0) || !std::isfinite(v)) return std::nullopt;
      return v;
    };
    x_resolution = resolution(TIFFTAG_XRESOLUTION);
    y_resolution = resolution(TIFFTAG_YRESOLUTION);
  }

  void read_directories() {
    const auto tiff = open();
    const std::uint64_t size = fs::file_size(file);
    read_first_page_tags(tiff->get());
    const bool imagej = description.starts_with("ImageJ=");
    const auto add_page = [&] {
      pages.push_back({describe_page(tiff->get(), imagej, size), TIFFCurrentDirOffset(tiff->get())});
    };
    add_page();
    while (TIFFLastDirectory(tiff->get()) == 0) {
      tiff->messages.last_error.clear();
      if (TIFFReadDirectory(tiff->get()) != 1)
        fail(static_cast<int>(pages.size()),
             "its directory is damaged or cut off" + tiff->reason() + "; copy the file again from its source");
      add_page();
    }
    check_end_of_last_directory(tiff->get());
  }

  /// libtiff takes a file that ends within the offset of the next directory for one that has no next directory.
  void check_end_of_last_directory(TIFF* tiff) const {
    const bool big = TIFFIsBigTIFF(tiff) != 0, swapped = TIFFIsBigEndian(tiff) != 0;
    const std::size_t number_bytes = big ? 8 : 2;
    std::ifstream in(file, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(pages.back().offset));
    std::uint64_t entries = 0;
    for (std::size_t i = 0; i < number_bytes; ++i)
      entries |= static_cast<std::uint64_t>(in.get() & 0xff) << (8 * (swapped ? number_bytes - 1 - i : i));
    const std::uint64_t end = pages.back().offset + number_bytes + entries * (big ? 20 : 12) + (big ? 8 : 4);
    if (!in || end > fs::file_size(file))
      fail(static_cast<int>(pages.size()) - 1, "its directory is cut off; copy the file again from its source");
  }

  void read(int page, unsigned char* to) {
    const Page& p = pages[static_cast<std::size_t>(page)];
    auto tiff = open();
    tiff->messages.last_error.clear();
    try {
      if (TIFFSetSubDirectory(tiff->get(), p.offset) != 1) throw DamagedPage{};
      read_voxels(tiff->get(), p.info, to);
    } catch (const DamagedPage&) {
      fail(page, "its voxels are damaged or cut off" + tiff->reason() + "; copy the file again from its source");
    }
    put_back(std::move(tiff));
  }
};

TiffFile::TiffFile(const fs::path& file) : impl_(std::make_unique<Impl>()) {
  impl_->file = file;
  std::error_code error;
  if (!fs::is_regular_file(file, error)) throw UserError(fmt::format("there is no file '{}'", file.string()));
  impl_->read_directories();
  close();
}

void TiffFile::close() {
  impl_->idle.clear();
  impl_->bytes.reset();
}

TiffFile::~TiffFile() = default;
TiffFile::TiffFile(TiffFile&&) noexcept = default;
TiffFile& TiffFile::operator=(TiffFile&&) noexcept = default;

const fs::path& TiffFile::path() const {
  return impl_->file;
}

int TiffFile::page_count() const {
  return static_cast<int>(impl_->pages.size());
}

const PageInfo& TiffFile::page(int page) const {
  const PageInfo& info = impl_->pages.at(static_cast<std::size_t>(page)).info;
  if (!info.refused.empty()) impl_->fail(page, "it " + info.refused);
  return info;
}

const std::string& TiffFile::description() const {
  return impl_->description;
}

std::optional<double> TiffFile::x_resolution() const {
  return impl_->x_resolution;
}

std::optional<double> TiffFile::y_resolution() const {
  return impl_->y_resolution;
}

std::string TiffFile::library() {
  // "LIBTIFF, Version 4.5.0" and lines of copyright.
  const std::string first = split(TIFFGetVersion(), '\n').front();
  return "libtiff " + first.substr(first.find_last_of(' ') + 1);
}

void TiffFile::read_page(int page, void* voxels) const {
  const PageInfo& info = this->page(page);
  const auto n = static_cast<std::size_t>(info.height * info.width);
  if (size_bytes(info.type) == size_bytes(stored_dtype(info.type)) && info.type != SampleType::int32)
    return impl_->read(page, static_cast<unsigned char*>(voxels));
  std::vector<unsigned char> raw(n * size_bytes(info.type));
  impl_->read(page, raw.data());
  with_context(fmt::format("'{}', page {}", path().string(), page + 1),
               [&] { store_samples(info.type, raw.data(), n, voxels); });
}

}  // namespace voxflow::interop
