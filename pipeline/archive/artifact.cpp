#include "pipeline/archive/artifact.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <sys/stat.h>

#include "pipeline/core/clock.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/core/unfinished.hpp"
#include "pipeline/core/version.hpp"
#include "pipeline/record/archive_record.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

namespace {
constexpr mode_t kFileMode = 0440, kFolderMode = 02750;

/// What this process makes in an archive that a group may write is the group's as well.
void share_with_group(const fs::path& root) {
  struct stat status {};
  if (::stat(root.c_str(), &status) != 0 || (status.st_mode & S_IWGRP) == 0) return;
  const mode_t mask = ::umask(077);
  ::umask(mask & ~static_cast<mode_t>(S_IRWXG));
}

std::string software() {
  return fmt::format("voxflow {}", kVersion);
}

void set_mode(const fs::path& path, mode_t mode) {
  if (::chmod(path.c_str(), mode) != 0)
    throw_errno(fmt::format("cannot set the permissions of '{}'", path.string()), errno);
}

/// The folder and every one above it down from the root, so that new folders outlive a power cut.
void fsync_up_to(const fs::path& root, fs::path folder) {
  for (; folder != root && folder.has_relative_path(); folder = folder.parent_path()) fsync_path(folder);
  fsync_path(root);
}

fs::path checked_artifact(const std::string& artifact) {
  fs::path path(artifact);
  const bool inside = !artifact.empty() && path.is_relative() && path.has_filename() &&
                      path == path.lexically_normal() && *path.begin() != "..";
  if (!inside) throw InternalError(fmt::format("'{}' is not the folder of an artifact inside the archive", artifact));
  return path;
}

std::vector<record::FileRecord> seal_files(const fs::path& folder) {
  std::vector<record::FileRecord> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file())
      throw InternalError(fmt::format("an artifact holds files only, but there is '{}'", entry.path().string()));
    set_mode(entry.path(), kFileMode);
    fsync_path(entry.path());
    files.push_back({entry.path().filename().string(), entry.file_size(), sha256_file(entry.path())});
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

void check_outputs(const record::Manifest& manifest) {
  for (const record::Output& o : manifest.outputs)
    if (std::none_of(manifest.files.begin(), manifest.files.end(), [&](const auto& f) { return f.name == o.file; }))
      throw InternalError(fmt::format("output '{}' is said to be in '{}', which was not written", o.port, o.file));
}

/// Tells where two results of one task differ; both cannot be right.
void report_differences(const record::Manifest& there, const record::Manifest& ours, const std::string& artifact) {
  if (there.task_key != ours.task_key) return;
  for (const record::Output& o : ours.outputs) {
    const record::Output* other = there.output(o.port);
    if (other != nullptr && other->content_digest == o.content_digest) continue;
    log::warning(
        "nondeterminism: output '{}' of '{}' has content {} as published (by {} on {}), but {} as computed again; "
        "the published one stays",
        o.port, artifact, other == nullptr ? "none" : other->content_digest.hex(), there.software, there.host,
        o.content_digest.hex());
  }
}
}  // namespace

Archive Archive::create(const fs::path& root, ChunkChecksum checksum) {
  if (fs::exists(root / record::kArchiveRecordName))
    throw UserError(fmt::format("'{}' is an archive already", root.string()));
  const bool made_here = !fs::exists(root);
  make_directories(root);
  if (made_here) set_mode(root, 02775);
  share_with_group(root);
  const fs::path whole = fs::canonical(root);
  for (const fs::path& part : {whole / "events" / "new", whole / "events" / "log", whole / "runs"})
    make_directories(part);
  const record::ArchiveRecord record{software(), format_time(system_clock().now()),
                                     checksum == ChunkChecksum::fletcher32};
  write_file_atomically(whole / record::kArchiveRecordName, record.to_json());
  return Archive(whole);
}

Archive::Archive(const fs::path& root) {
  const fs::path file = root / record::kArchiveRecordName;
  if (!fs::exists(file))
    throw UserError(fmt::format("'{}' is not an archive: there is no file '{}'; create one with `voxflow init`",
                                root.string(), record::kArchiveRecordName));
  with_context(file.string(), [&] {
    if (record::ArchiveRecord::from_json(read_file(file)).fletcher32) checksum_ = ChunkChecksum::fletcher32;
  });
  root_ = fs::canonical(root);
  share_with_group(root_);
}

std::optional<record::Manifest> Archive::manifest(const std::string& artifact) const {
  if (!published(artifact)) return std::nullopt;
  const fs::path file = root_ / artifact / record::kManifestName;
  try {
    return record::Manifest::from_json(read_file(file));
  } catch (const UserError& e) {
    throw UserError(fmt::format("'{}' is damaged ({}); restore it, or move its folder away and make the artifact again",
                                file.string(), e.what()));
  }
}

bool Archive::published(const std::string& artifact) const {
  std::error_code error;
  const bool there = fs::exists(root_ / artifact / record::kManifestName, error);
  if (error) throw_errno(fmt::format("cannot look into '{}'", (root_ / artifact).string()), error.value());
  return there;
}

struct ArtifactBuilder::Impl {
  Impl(const Archive& a, std::string target) : archive(a), artifact(std::move(target)) {
    const fs::path parent = archive.root() / checked_artifact(artifact).parent_path();
    make_directories(parent);
    folder.emplace(parent, unfinished_mark());
  }

  record::Manifest seal(record::Manifest manifest) const {
    manifest.files = seal_files(folder->path());
    check_outputs(manifest);
    if (manifest.software.empty()) manifest.software = software();
    manifest.published = format_time(system_clock().now());
    const fs::path file = folder->path() / record::kManifestName;
    write_file_atomically(file, manifest.to_json());
    set_mode(file, kFileMode);
    set_mode(folder->path(), kFolderMode);
    fsync_path(folder->path());
    return manifest;
  }

  Archive archive;
  std::string artifact;
  std::optional<TemporaryDirectory> folder;
};

ArtifactBuilder::ArtifactBuilder(const Archive& archive, std::string artifact)
    : impl_(std::make_unique<Impl>(archive, std::move(artifact))) {}

ArtifactBuilder::~ArtifactBuilder() = default;

const fs::path& ArtifactBuilder::folder() const {
  return impl_->folder->path();
}

ImageWriter ArtifactBuilder::begin_image(const std::string& name, const record::ImageInfo& info, DType storage) const {
  return {folder() / name, info, storage, impl_->archive.checksum()};
}

void ArtifactBuilder::write_file(const std::string& name, std::string_view bytes) {
  write_file_atomically(folder() / name, bytes);
}

void ArtifactBuilder::retarget(std::string artifact) {
  checked_artifact(artifact);
  impl_->artifact = std::move(artifact);
}

PublishOutcome ArtifactBuilder::publish(record::Manifest manifest) {
  const Archive& archive = impl_->archive;
  manifest = impl_->seal(std::move(manifest));
  const fs::path target = archive.root() / impl_->artifact;
  make_directories(target.parent_path());
  fsync_up_to(archive.root(), target.parent_path());
  const bool won = rename_directory(impl_->folder->path(), target) == RenameOutcome::renamed;
  if (won) {
    impl_->folder->release();
  } else {
    impl_->folder.reset();
    const auto there = archive.manifest(impl_->artifact);
    if (!there)
      throw SystemError(fmt::format("'{}' is in the way of an artifact, and is none itself", target.string()));
    report_differences(*there, manifest, impl_->artifact);
    manifest = *there;
  }
  // The winner may have died before its event; the event is derived from the manifest, so twice does no harm.
  try {
    emit_event(archive, record::published_event(manifest, impl_->artifact));
  } catch (const SystemError& e) {
    log::warning("'{}' is published, but its event could not be written ({}); `voxflow catalog ingest --scan` finds it",
                 impl_->artifact, e.what());
  }
  return won ? PublishOutcome::published : PublishOutcome::already_there;
}

void emit_event(const Archive& archive, const record::Event& event) {
  write_file_atomically(archive.events_new() / record::event_file_name(event), event.to_json() + "\n");
}

}  // namespace voxflow::archive
