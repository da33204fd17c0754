// Tells a disk that fails from a file that is damaged.
#pragma once
#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"

namespace voxflow::interop {

/// Runs `read`, which reads `file` by a library that takes bytes it could not get for bytes that are wrong. Throws
/// SystemError instead of its UserError where a system call of this thread failed meanwhile as those of disks and
/// network filesystems do, and where the file went meanwhile.
template <class F>
auto telling_disk_errors(const std::filesystem::path& file, F&& read) {
  errno = 0;
  try {
    return read();
  } catch (const UserError&) {
    const int error = errno;
    for (const int of_disk : {EIO, ESTALE, ETIMEDOUT, EREMOTEIO, ENXIO})
      if (error == of_disk) throw_errno(fmt::format("cannot read '{}'", file.string()), error);
    throw;
  } catch (const std::filesystem::filesystem_error& e) {
    throw_errno(fmt::format("cannot read '{}'", file.string()), e.code().value());
  }
}

}  // namespace voxflow::interop
