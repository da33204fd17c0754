// A disk that is soon full.
#pragma once
#include <doctest/doctest.h>

#include <sched.h>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <sys/mount.h>

#include "pipeline/core/files.hpp"

namespace voxflow::test {

/// Mounts of this process are its own from here on, and go with it.
inline bool mounting_allowed() {
  static const bool allowed =
      ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  if (!allowed) MESSAGE("skipped: a small tmpfs cannot be mounted here (root is needed): " << std::strerror(errno));
  return allowed;
}

/// A tmpfs of a few bytes.
class SmallDisk {
 public:
  SmallDisk(std::filesystem::path path, std::size_t bytes) : path_(std::move(path)) {
    make_directories(path_);
    REQUIRE(::mount("tmpfs", path_.c_str(), "tmpfs", 0, fmt::format("size={}", bytes).c_str()) == 0);
  }
  ~SmallDisk() { ::umount2(path_.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  const std::filesystem::path& path() const { return path_; }
  void grow_to(std::size_t bytes) const {
    REQUIRE(::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, fmt::format("size={}", bytes).c_str()) == 0);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace voxflow::test
