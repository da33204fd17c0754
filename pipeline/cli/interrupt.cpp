#include "pipeline/cli/interrupt.hpp"

#include <csignal>

namespace voxflow::cli {

namespace {
std::atomic<bool> flag{false};

extern "C" void set_flag(int) {
  flag.store(true);
}
}  // namespace

const std::atomic<bool>& interrupted() {
  static const bool handled = std::signal(SIGINT, set_flag) != SIG_ERR && std::signal(SIGTERM, set_flag) != SIG_ERR;
  static_cast<void>(handled);
  return flag;
}

}  // namespace voxflow::cli
