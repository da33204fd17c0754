#include "pipeline/interop/roi_zip.hpp"

#include <cstring>
#include <exception>

#include <fmt/format.h>
#include <unzip.h>
#include <zip.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/text.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr const char* kExtension = ".roi";
constexpr uLong kUtf8Names = 1 << 11;
constexpr std::size_t kMostRoiBytes = std::size_t{1} << 30;  // a gigabyte of corners is no outline of anything
}  // namespace

/// minizip's file functions on an OutputFile. No exception may cross the C library, so the first one waits here.
struct RoiZipWriter::Impl {
  explicit Impl(OutputFile& file) : out(file) {
    zlib_filefunc64_def functions{};
    functions.opaque = this;
    functions.zopen64_file = [](voidpf self, const void*, int) { return self; };
    functions.zread_file = [](voidpf, voidpf, void*, uLong) { return uLong{0}; };
    functions.zwrite_file = [](voidpf self, voidpf, const void* bytes, uLong size) {
      return static_cast<Impl*>(self)->write(bytes, size);
    };
    functions.ztell64_file = [](voidpf self, voidpf) -> ZPOS64_T { return static_cast<Impl*>(self)->at; };
    functions.zseek64_file = [](voidpf self, voidpf, ZPOS64_T offset, int origin) -> long {
      auto& w = *static_cast<Impl*>(self);
      w.at = offset + (origin == ZLIB_FILEFUNC_SEEK_CUR ? w.at : origin == ZLIB_FILEFUNC_SEEK_END ? w.end : 0);
      return 0;
    };
    functions.zclose_file = [](voidpf, voidpf) { return 0; };
    functions.zerror_file = [](voidpf self, voidpf) { return static_cast<Impl*>(self)->failure ? 1 : 0; };
    zip = zipOpen2_64("", APPEND_STATUS_CREATE, nullptr, &functions);
    check(zip == nullptr ? ZIP_INTERNALERROR : ZIP_OK);
  }
  ~Impl() {
    if (zip != nullptr) zipClose(zip, nullptr);
  }

  uLong write(const void* bytes, uLong size) noexcept {
    if (failure) return 0;
    try {
      out.write_at(at, bytes, size);
    } catch (...) {
      failure = std::current_exception();
      return 0;
    }
    at += size;
    end = std::max(end, at);
    return size;
  }

  void check(int status) const {
    if (failure) std::rethrow_exception(failure);
    if (status != ZIP_OK)
      throw SystemError(fmt::format("cannot write '{}': minizip reports {}", out.file().string(), status));
  }

  OutputFile& out;
  zipFile zip = nullptr;
  std::uint64_t at = 0, end = 0;
  std::exception_ptr failure;
};

RoiZipWriter::RoiZipWriter(OutputFile& out) : impl_(std::make_unique<Impl>(out)) {}
RoiZipWriter::~RoiZipWriter() = default;

void RoiZipWriter::add(const std::string& name, const Bytes8& roi) {
  constexpr uLong kFirstOfJanuary1980 = (1 << 5 | 1) << 16;  // 0 would be the time of now
  zip_fileinfo info{};
  info.dosDate = kFirstOfJanuary1980;
  impl_->check(zipOpenNewFileInZip4_64(impl_->zip, (name + kExtension).c_str(), &info, nullptr, 0, nullptr, 0, nullptr,
                                       Z_DEFLATED, Z_DEFAULT_COMPRESSION, 0, -MAX_WBITS, DEF_MEM_LEVEL,
                                       Z_DEFAULT_STRATEGY, nullptr, 0, 0, kUtf8Names, 0));
  impl_->check(zipWriteInFileInZip(impl_->zip, roi.data(), static_cast<unsigned>(roi.size())));
  impl_->check(zipCloseFileInZip(impl_->zip));
}

void RoiZipWriter::finish() {
  impl_->check(zipClose(std::exchange(impl_->zip, nullptr), nullptr));
}

namespace {
[[noreturn]] void damaged(const fs::path& file) {
  throw UserError(fmt::format("'{}' is damaged: its ZIP archive cannot be read; save it again", file.string()));
}

/// The bytes of the entry at which `zip` stands.
std::string current_entry(unzFile zip, const unz_file_info64& info, const fs::path& file) {
  if (info.uncompressed_size > kMostRoiBytes || unzOpenCurrentFile(zip) != UNZ_OK) damaged(file);
  std::string bytes(info.uncompressed_size, '\0');
  const int read = unzReadCurrentFile(zip, bytes.data(), static_cast<unsigned>(bytes.size()));
  if (read != static_cast<int>(bytes.size()) || unzCloseCurrentFile(zip) != UNZ_OK) damaged(file);
  return bytes;
}
}  // namespace

void for_each_roi(const fs::path& file, const std::function<void(const std::string&, std::string_view)>& f) {
  if (file.extension() == kExtension) return f(file.stem().string(), read_file(file));
  if (!fs::exists(file)) throw UserError(fmt::format("there is no file '{}'", file.string()));
  const std::unique_ptr<void, int (*)(unzFile)> zip(unzOpen64(file.c_str()), unzClose);
  if (!zip)
    throw UserError(
        fmt::format("'{}' is neither a .roi file nor a ZIP archive of such files, as ImageJ's ROI Manager "
                    "saves them (More > Save)",
                    file.string()));
  int status = unzGoToFirstFile(zip.get());
  for (; status == UNZ_OK; status = unzGoToNextFile(zip.get())) {
    unz_file_info64 info{};
    std::string name(1 << 16, '\0');
    if (unzGetCurrentFileInfo64(zip.get(), &info, name.data(), name.size(), nullptr, 0, nullptr, 0) != UNZ_OK)
      damaged(file);
    name.resize(info.size_filename);
    if (!to_lower(name).ends_with(kExtension)) continue;
    f(name.substr(0, name.size() - std::strlen(kExtension)), current_entry(zip.get(), info, file));
  }
  if (status != UNZ_END_OF_LIST_OF_FILE) damaged(file);
}

}  // namespace voxflow::interop
