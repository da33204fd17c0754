// A folder for one test case, removed at its end.
#pragma once
#include <filesystem>

#include "pipeline/core/files.hpp"

namespace voxflow::test {

class TestFolder {
 public:
  TestFolder() : dir_(std::filesystem::temp_directory_path(), "voxflow-test-") {}
  std::filesystem::path operator/(const std::filesystem::path& p) const { return dir_.path() / p; }
  const std::filesystem::path& path() const { return dir_.path(); }

 private:
  TemporaryDirectory dir_;
};

}  // namespace voxflow::test
