#include "pipeline/core/error.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace voxflow {

SystemError SystemError::from_errno(const std::string& what, int errno_value) {
  const std::string text = fmt::format("{}: {}", what, std::strerror(errno_value));
  if (errno_value == ENOSPC || errno_value == EDQUOT) throw DiskFullError(text);
  return SystemError(text);
}

}  // namespace voxflow
