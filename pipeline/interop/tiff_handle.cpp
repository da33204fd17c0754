#include "pipeline/interop/tiff_handle.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>

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
}  // namespace

TiffHandle open_tiff(const std::filesystem::path& file, const char* mode, TiffMessages& messages) {
  const std::unique_ptr<TIFFOpenOptions, OptionsFree> options(TIFFOpenOptionsAlloc());
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_error, &messages);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), drop_warning, nullptr);
  return TiffHandle(TIFFOpenExt(file.c_str(), mode, options.get()));
}

}  // namespace voxflow::interop
