#include "pipeline/archive/replica.hpp"

#include <cerrno>
#include <cstdio>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/unfinished.hpp"
#include "pipeline/record/archive_record.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

namespace {
constexpr const char* kMark = "replica.json";  // the archive.json of the archive that it is of

/// Whose files are copied; a damaged one is told accordingly.
enum class From { archive, replica };

[[noreturn]] void tell_damaged(const fs::path& original, From whose) {
  if (whose == From::replica)
    throw SystemError(fmt::format("the replica's '{}' is damaged too; nothing was changed", original.string()));
  throw SystemError(
      fmt::format("'{}' is not the file that was published (another SHA-256); `voxflow verify --repair` restores it "
                  "where there is a sound copy",
                  original.string()));
}

/// A whole copy of the artifact in `from` under a temporary name beside `to`.
std::unique_ptr<TemporaryDirectory> copy_beside(const fs::path& from, const fs::path& to,
                                                const record::Manifest& manifest, From whose) {
  make_directories(to.parent_path());
  auto made = std::make_unique<TemporaryDirectory>(to.parent_path(), unfinished_mark());
  for (const record::FileRecord& file : manifest.files) {
    if (whose == From::replica && !fs::exists(from / file.name)) tell_damaged(from / file.name, whose);
    copy_to_new_file(from / file.name, made->path() / file.name);
    if (sha256_file(made->path() / file.name) != file.sha256) tell_damaged(from / file.name, whose);
  }
  copy_to_new_file(from / record::kManifestName, made->path() / record::kManifestName);
  if (::chmod(made->path().c_str(), 02750) != 0)
    throw_errno(fmt::format("cannot set the permissions of '{}'", made->path().string()), errno);
  fsync_path(made->path());
  return made;
}

void rename_or_throw(const fs::path& from, const fs::path& to) {
  if (rename_directory(from, to) == RenameOutcome::target_exists)
    throw SystemError(fmt::format("'{}' is in the way of '{}'; move it", to.string(), from.string()));
}

/// Puts `fresh` in the place of `old`, which goes to `aside`. Where the file system can exchange two names, `old` is
/// there whole at every moment.
void exchange(const fs::path& fresh, const fs::path& old, const fs::path& aside) {
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, old.c_str(), RENAME_EXCHANGE) == 0) {
    rename_or_throw(fresh, aside);
    fsync_path(old.parent_path());
    return;
  }
  if (errno != EINVAL && errno != ENOSYS) throw_errno(fmt::format("cannot replace '{}'", old.string()), errno);
  rename_or_throw(old, aside);
  rename_or_throw(fresh, old);
}
}  // namespace

fs::path open_replica(const Archive& archive, const fs::path& folder) {
  const std::string mark = read_file(archive.root() / record::kArchiveRecordName);
  if (!fs::exists(folder / kMark)) {
    if (fs::exists(folder) && !fs::is_empty(folder))
      throw UserError(fmt::format("'{}' is no replica and is not empty; name a new folder", folder.string()));
    make_directories(folder);
    write_file_atomically(folder / kMark, mark);
  } else if (read_file(folder / kMark) != mark) {
    throw UserError(fmt::format("'{}' is the replica of another archive; name another folder", folder.string()));
  }
  return fs::canonical(folder);
}

Replication replicate(const Archive& archive, const std::string& artifact, const fs::path& replica) {
  const auto manifest = archive.manifest(artifact);
  if (!manifest) throw UserError(fmt::format("there is no artifact '{}'", (archive.root() / artifact).string()));
  const fs::path to = replica / artifact;
  if (fs::exists(to / record::kManifestName)) return Replication::there_already;
  const auto copy = copy_beside(archive.root() / artifact, to, *manifest, From::archive);
  if (rename_directory(copy->path(), to) == RenameOutcome::target_exists) return Replication::there_already;
  copy->release();
  return Replication::copied;
}

void restore(const Archive& archive, const std::string& artifact, const fs::path& replica) {
  const fs::path copy = replica / artifact, place = archive.root() / artifact;
  if (!fs::exists(copy / record::kManifestName))
    throw UserError(fmt::format("the replica '{}' has no '{}'; run `voxflow replicate` while artifacts are sound",
                                replica.string(), artifact));
  const auto manifest = record::Manifest::from_json(read_file(copy / record::kManifestName));
  const auto fresh = copy_beside(copy, place, manifest, From::replica);
  const fs::path aside = archive.root() / "damaged" / artifact;
  make_directories(aside.parent_path());
  std::error_code ignored;
  fs::remove_all(aside, ignored);  // of an earlier restoration
  exchange(fresh->path(), place, aside);
  fresh->release();
}

}  // namespace voxflow::archive
