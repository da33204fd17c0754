#include "catalog/store/file_system.hpp"

#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <sys/vfs.h>

#include "pipeline/core/error.hpp"

namespace voxflow::catalog {

namespace {
struct Known {
  std::uint64_t magic;
  std::string_view name;
};
// statfs(2), linux/magic.h, and the vendors' own sources.
constexpr std::array kNetwork{Known{0x6969, "NFS"},        Known{0x517B, "SMB"},          Known{0xFF534D42, "CIFS"},
                              Known{0xFE534D42, "SMB2"},   Known{0x0BD00BD0, "Lustre"},   Known{0x47504653, "GPFS"},
                              Known{0x00C36400, "CephFS"}, Known{0x19830326, "BeeGFS"},   Known{0x65735546, "FUSE"},
                              Known{0x5346414F, "AFS"},    Known{0x6B414653, "AFS"},      Known{0x01021997, "9P"},
                              Known{0xAAD7AAEA, "PanFS"},  Known{0x20030528, "OrangeFS"}, Known{0x01161970, "GFS2"},
                              Known{0x7461636F, "OCFS2"},  Known{0x564C, "NCP"},          Known{0x73757245, "Coda"}};
}  // namespace

std::optional<std::string_view> network_file_system(std::uint64_t magic) {
  for (const Known& k : kNetwork)
    if (k.magic == magic) return k.name;
  return std::nullopt;
}

void refuse_network_file_system(const std::filesystem::path& database, std::uint64_t magic) {
  if (const auto name = network_file_system(magic))
    throw UserError(fmt::format(
        "the catalog '{}' lies on a network file system ({}), where SQLite loses data; name a file on a local disk of "
        "this machine: the catalog is filled from the archive when it is opened there",
        database.string(), *name));
}

void require_local_disk(const std::filesystem::path& database) {
  const auto folder = database.has_parent_path() ? database.parent_path() : std::filesystem::path(".");
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) != 0)
    throw_errno(fmt::format("cannot look at folder '{}' of the catalog", folder.string()), errno);
  // f_type is signed on some machines; the magic numbers have 32 bits.
  refuse_network_file_system(database, static_cast<std::uint32_t>(info.f_type));
}

}  // namespace voxflow::catalog
