// Ctrl-C and SIGTERM as a flag, for commands that end what they have begun.
#pragma once
#include <atomic>

namespace voxflow::cli {

/// Set by SIGINT and SIGTERM from the first call on.
const std::atomic<bool>& interrupted();

}  // namespace voxflow::cli
