// A folder for one test case, removed at its end.
#pragma once
#include <filesystem>

#include "pipeline/core/files.hpp"

namespace voxflow::test {

class TestFolder {
 public:
  explicit TestFolder(const std::filesystem::path& parent = std::filesystem::temp_directory_path())
      : dir_(parent, "voxflow-test-") {}
  std::filesystem::path operator/(const std::filesystem::path& p) const { return dir_.path() / p; }
  const std::filesystem::path& path() const { return dir_.path(); }

 private:
  TemporaryDirectory dir_;
};

/// Memory where there is some, for tests of the order of system calls and not of what a power cut would leave.
inline std::filesystem::path fast_folder() {
  return std::filesystem::is_directory("/dev/shm") ? std::filesystem::path("/dev/shm")
                                                   : std::filesystem::temp_directory_path();
}

}  // namespace voxflow::test
