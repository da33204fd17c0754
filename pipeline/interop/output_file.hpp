// A file that is written at any place under a temporary name; private to this room.
#pragma once
#include <cstdint>
#include <filesystem>

#include "pipeline/interop/tiff_writer.hpp"

namespace voxflow::interop {

/// Gone without trace unless committed. Not thread-safe.
class OutputFile {
 public:
  /// Throws UserError when `file` is there and not to be replaced, SystemError when nothing can be written beside it.
  OutputFile(std::filesystem::path file, Existing existing);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::filesystem::path& file() const { return file_; }
  /// Throws SystemError, DiskFullError.
  void write_at(std::uint64_t offset, const void* bytes, std::size_t size);
  /// Bytes that were written before. Throws SystemError.
  void read_at(std::uint64_t offset, void* bytes, std::size_t size) const;
  /// Makes the file that long; what was not written reads as 0.
  void resize(std::uint64_t size);
  /// Flushes to disk and renames. Throws SystemError, DiskFullError; UserError when the file has come up meanwhile.
  void commit();

 private:
  void refuse_existing() const;
  [[noreturn]] void fail(int error) const;

  std::filesystem::path file_, temporary_;
  Existing existing_;
  int descriptor_ = -1;
};

}  // namespace voxflow::interop
