// Temporary folders of artifacts: how they are named, so that those of dead processes can be told; private to this
// room.
#pragma once
#include <string>

namespace voxflow::archive {

/// ".tmp-<host>-<process>-" of this process.
std::string leftover_prefix();

}  // namespace voxflow::archive
