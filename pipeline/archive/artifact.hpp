// Artifacts: immutable directories with a manifest, published by one rename.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/archive/image_file.hpp"
#include "pipeline/record/manifest.hpp"

namespace voxflow::archive {

/// A root folder: <root>/archive.json, <project>/..., events/{new,log}, runs/.
class Archive {
 public:
  /// Creates an empty archive; `root` must not hold one yet.
  static Archive create(const std::filesystem::path& root, ChunkChecksum checksum = ChunkChecksum::none);
  /// Throws UserError when `root` is not an archive. Where the group may write `root`, this process's umask lets it
  /// write from now on what the process makes.
  explicit Archive(const std::filesystem::path& root);
  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path events_new() const { return root_ / "events" / "new"; }
  std::filesystem::path events_log() const { return root_ / "events" / "log"; }
  std::filesystem::path runs() const { return root_ / "runs"; }
  /// The manifest of an artifact (folder relative to the root); nothing when it is not published.
  std::optional<record::Manifest> manifest(const std::string& artifact) const;
  bool published(const std::string& artifact) const;
  /// Of the images that are written from now on.
  ChunkChecksum checksum() const { return checksum_; }

 private:
  std::filesystem::path root_;
  ChunkChecksum checksum_ = ChunkChecksum::none;
};

enum class PublishOutcome { published, already_there };

/// Builds one artifact under a temporary name beside its target; gone without trace unless published.
class ArtifactBuilder {
 public:
  /// `artifact`: target folder relative to the root. Throws SystemError, DiskFullError.
  ArtifactBuilder(const Archive& archive, std::string artifact);
  ~ArtifactBuilder();
  /// Where files are to be written until `publish`.
  const std::filesystem::path& folder() const;
  void write_file(const std::string& name, std::string_view bytes);
  /// Begins an image in the folder, as the archive wants its images. Arguments as those of ImageWriter.
  ImageWriter begin_image(const std::string& name, const record::ImageInfo& info, DType storage) const;
  /// Completes the manifest (files with sizes and SHA-256), fsyncs everything, renames, then emits the event. When
  /// another attempt was first, its artifact stays and this one goes; if its content digests differ (for the same task
  /// key), that is reported as nondeterminism by a warning.
  PublishOutcome publish(record::Manifest manifest);
  /// For an acquisition, whose folder is known only with its content: the constructor's `artifact`, given late. Until
  /// then
  /// `<project>/acquisitions/new` stands for it.
  void retarget(std::string artifact);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The folders of all published artifacts, relative to the root, in order. Throws SystemError.
std::vector<std::string> published_artifacts(const Archive& archive);

/// Holds every file of a published artifact against its manifest, and every chunk of damaged images against its digest.
/// The messages name what is damaged, missing, too much or not to be read, the manifest itself included; empty when
/// sound. Throws UserError when nothing is published.
std::vector<std::string> verify_artifact(const Archive& archive, const std::string& artifact);

/// Drops an event into events/new (temporary name, fsync, rename); the same event twice does no harm.
void emit_event(const Archive& archive, const record::Event& event);

/// Temporary files and folders of processes that died: those of this host that run no more, those of others untouched
/// for 48 h.
std::vector<std::filesystem::path> find_leftovers(const Archive& archive);
/// Removes them; returns how many. Throws SystemError.
std::size_t remove_leftovers(const Archive& archive);

}  // namespace voxflow::archive
