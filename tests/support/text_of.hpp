// A file's bytes.
#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace voxflow::test {

/// "" where there is no such file, or no longer.
inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace voxflow::test
