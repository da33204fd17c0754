#include "pipeline/core/error.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace voxflow {

void throw_errno(const std::string& what, int errno_value) {
  const std::string text = fmt::format("{}: {}", what, std::strerror(errno_value));
  if (errno_value == ENOSPC || errno_value == EDQUOT) throw DiskFullError(text);
  if (errno_value == ENOMEM) throw OutOfMemoryError(text);
  throw SystemError(text);
}

}  // namespace voxflow
