// A second copy of an archive's artifacts, and damaged artifacts restored from it.
#pragma once
#include <filesystem>
#include <string>

#include "pipeline/archive/artifact.hpp"

namespace voxflow::archive {

/// What replicate did with an artifact.
enum class Replication { copied, there_already };

/// The folder of a replica of `archive`; made when it is not there. Throws UserError when the folder holds something
/// else, or the replica of another archive.
std::filesystem::path open_replica(const Archive& archive, const std::filesystem::path& folder);

/// Copies an artifact to the replica: under a temporary name, each file held against the manifest as read back, then
/// one rename. Throws SystemError when the archive's own file is not what its manifest says, DiskFullError.
Replication replicate(const Archive& archive, const std::string& artifact, const std::filesystem::path& replica);

/// Puts the replica's artifact in the place of a damaged one, which is kept as <root>/damaged/<artifact>. Throws
/// UserError when the replica does not have it, SystemError when its copy is damaged too; then nothing is changed.
void restore(const Archive& archive, const std::string& artifact, const std::filesystem::path& replica);

}  // namespace voxflow::archive
