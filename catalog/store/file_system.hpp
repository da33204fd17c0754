// Tells local disks from network file systems, on which SQLite loses data.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace voxflow::catalog {

/// "NFS", "Lustre", ... for the `f_type` of statfs(2); nothing for a local file system.
std::optional<std::string_view> network_file_system(std::uint64_t magic);

/// Throws UserError when `magic` is that of a network file system.
void refuse_network_file_system(const std::filesystem::path& database, std::uint64_t magic);

/// Looks where the folder of `database` lies. Throws UserError when that is on a network file system.
void require_local_disk(const std::filesystem::path& database);

}  // namespace voxflow::catalog
