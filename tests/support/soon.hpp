// Waits for what another process does, no longer than half a minute.
#pragma once
#include <chrono>
#include <thread>

namespace voxflow::test {

/// True as soon as `holds()` is; false where it never was.
template <class F>
bool soon(F&& holds) {
  for (int i = 0; i < 300; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

}  // namespace voxflow::test
