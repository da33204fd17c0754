// The memory that a task may take in a worker, enforced by the kernel of the system.
#pragma once
#include <sys/resource.h>

#include <cstdint>

namespace voxflow::cli {

/// Bytes of private writable memory of this process: what RLIMIT_DATA counts.
std::uint64_t data_bytes();

/// Returns freed memory to the system, so that the next task starts from the same baseline.
void give_memory_back();

/// While it lives, private writable memory beyond `limit_bytes` is refused: allocations throw std::bad_alloc.
class MemoryLimit {
 public:
  /// Throws SystemError when the limit cannot be set.
  explicit MemoryLimit(std::uint64_t limit_bytes);
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_{};
};

}  // namespace voxflow::cli
