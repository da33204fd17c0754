#include "pipeline/interop/tiff_handle.hpp"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace voxflow::interop {

namespace {
int keep_error(TIFF*, void* user_data, const char*, const char* format, va_list arguments) {
  std::array<char, 400> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  static_cast<TiffMessages*>(user_data)->last_error = text.data();
  return 1;
}

int drop_warning(TIFF*, void*, const char*, const char*, va_list) {
  return 1;
}

struct OptionsFree {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};
using Options = std::unique_ptr<TIFFOpenOptions, OptionsFree>;

Options options_for(TiffMessages& messages) {
  Options options(TIFFOpenOptionsAlloc());
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_error, &messages);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), drop_warning, nullptr);
  return options;
}

/// What libtiff takes for a file.
struct MemoryFile {
  std::shared_ptr<const std::string> bytes;
  std::size_t at = 0;
};

MemoryFile& memory_of(thandle_t handle) {
  return *static_cast<MemoryFile*>(handle);
}

tmsize_t read_memory(thandle_t handle, void* to, tmsize_t size) {
  MemoryFile& m = memory_of(handle);
  if (size <= 0 || m.at >= m.bytes->size()) return 0;
  const std::size_t n = std::min(static_cast<std::size_t>(size), m.bytes->size() - m.at);
  std::memcpy(to, m.bytes->data() + m.at, n);
  m.at += n;
  return static_cast<tmsize_t>(n);
}

tmsize_t write_nothing(thandle_t, void*, tmsize_t) {
  return 0;
}

toff_t seek_memory(thandle_t handle, toff_t offset, int from) {
  MemoryFile& m = memory_of(handle);
  m.at = static_cast<std::size_t>(offset) + (from == SEEK_CUR ? m.at : from == SEEK_END ? m.bytes->size() : 0);
  return m.at;
}

int close_memory(thandle_t handle) {
  delete &memory_of(handle);
  return 0;
}

toff_t size_of_memory(thandle_t handle) {
  return memory_of(handle).bytes->size();
}

int map_memory(thandle_t handle, void** base, toff_t* size) {
  const std::string& bytes = *memory_of(handle).bytes;
  *base = const_cast<char*>(bytes.data());  // libtiff reads it only, as it does what it maps of a file
  *size = bytes.size();
  return 1;
}

void unmap_nothing(thandle_t, void*, toff_t) {}
}  // namespace

TiffHandle open_tiff(const std::filesystem::path& file, TiffMessages& messages) {
  // "m": no memory mapping, so that a file cut off while it is read is an error and not a signal.
  return TiffHandle(TIFFOpenExt(file.c_str(), "rm", options_for(messages).get()));
}

TiffHandle open_tiff(const std::filesystem::path& file, std::shared_ptr<const std::string> bytes,
                     TiffMessages& messages) {
  auto memory = std::make_unique<MemoryFile>(MemoryFile{std::move(bytes)});
  TiffHandle handle(TIFFClientOpenExt(file.c_str(), "r", memory.get(), read_memory, write_nothing, seek_memory,
                                      close_memory, size_of_memory, map_memory, unmap_nothing,
                                      options_for(messages).get()));
  if (handle) (void)memory.release();  // close_memory has it
  return handle;
}

}  // namespace voxflow::interop
