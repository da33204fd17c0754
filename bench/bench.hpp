// What the programs of this folder share.
#pragma once
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/plugins/registry.hpp"

namespace voxflow::bench {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// For another program to read.
inline void write(const std::filesystem::path& file, const std::vector<float>& voxels) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(voxels.data()), static_cast<std::streamsize>(voxels.size() * sizeof(float)));
  if (!out) throw SystemError(fmt::format("cannot write '{}'", file.string()));
}

/// The main of `program FOLDER KERNELS`: `body(registry, folder)` with the kernels of that folder.
template <class Body>
int main_with_kernels(int argc, char** argv, const char* program, Body&& body) {
  if (argc != 3) {
    fmt::print(stderr, "usage: {} FOLDER KERNELS\n", program);
    return 2;
  }
  try {
    log::set_level(log::Level::warning);
    plugins::Registry registry;
    registry.load_folder(argv[2]);
    body(registry, std::filesystem::path(argv[1]));
    return 0;
  } catch (const Error& e) {
    fmt::print(stderr, "{}: error: {}\n", program, e.what());
    return static_cast<int>(e.code());
  }
}

}  // namespace voxflow::bench
