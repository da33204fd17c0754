#include "pipeline/cli/memory_limit.hpp"

#include <malloc.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>

#include "pipeline/core/error.hpp"

namespace voxflow::cli {

std::uint64_t data_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (std::uint64_t kb = 0; word == "VmData:" && status >> kb) return kb * 1024;
  return 0;
}

void give_memory_back() {
  ::malloc_trim(0);
}

MemoryLimit::MemoryLimit(std::uint64_t limit_bytes) {
  ::getrlimit(RLIMIT_DATA, &before_);
  rlimit limit = before_;
  limit.rlim_cur = std::min<rlim_t>(limit_bytes, before_.rlim_max);
  if (::setrlimit(RLIMIT_DATA, &limit) != 0) throw_errno("cannot limit the task's memory", errno);
}

MemoryLimit::~MemoryLimit() {
  ::setrlimit(RLIMIT_DATA, &before_);
}

}  // namespace voxflow::cli
