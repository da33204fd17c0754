#include "pipeline/interop/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "pipeline/core/clock.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/image_source.hpp"
#include "pipeline/interop/slab.hpp"
#include "pipeline/record/task.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr const char* kFileName = "data.h5";

/// Slabs that are read together, then taken together. The memory stays from batch to batch.
class Batch {
 public:
  explicit Batch(ImageSource& source)
      : source_(source),
        plane_bytes_(static_cast<std::size_t>(source.info().grid.shape[kY] * source.info().grid.shape[kX]) *
                     size_bytes(source.info().dtype)),
        slab_bytes_(plane_bytes_ * static_cast<std::size_t>(archive::chunk_shape(source.info().grid)[kZ])),
        most_(std::max<std::size_t>(1, kBatchBytes / slab_bytes_)) {}

  void add(const Slab& slab) { slabs_.push_back(slab); }
  bool full() const { return slabs_.size() == most_; }
  bool empty() const { return slabs_.empty(); }
  void clear() { slabs_.clear(); }

  /// Reads the slabs in pieces that the files give best, on several threads.
  const std::vector<Slab>& read() {
    if (voxels_.size() < slabs_.size() * slab_bytes_) voxels_.resize(slabs_.size() * slab_bytes_);
    for (std::size_t i = 0; i < slabs_.size(); ++i) slabs_[i].voxels = voxels_.data() + i * slab_bytes_;
    struct Piece {
      std::size_t slab;
      Index first, planes;
    };
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < slabs_.size(); ++i)
      for (Index z = 0; z < slabs_[i].depth; z += source_.planes_at_once())
        pieces.push_back({i, z, std::min(source_.planes_at_once(), slabs_[i].depth - z)});
    for_each_in_parallel(pieces.size(), few_threads(), [&](std::size_t i) {
      const auto& [number, first, planes] = pieces[i];
      const Slab& slab = slabs_[number];
      source_.read_planes(slab.t, slab.c, slab.first + first, planes,
                          voxels_.data() + number * slab_bytes_ + static_cast<std::size_t>(first) * plane_bytes_);
    });
    source_.close_all_but(slabs_.back().t, slabs_.back().c);
    return slabs_;
  }

 private:
  ImageSource& source_;
  std::size_t plane_bytes_, slab_bytes_, most_;
  std::vector<Slab> slabs_;
  std::vector<unsigned char> voxels_;
};

/// Reads the image slab by slab, a chunk's depth of planes, shows each to the inspector, and hands several at a time to
/// `take(slabs)`.
template <class F>
void for_slabs(ImageSource& source, Inspector* inspector, F&& take) {
  const record::ImageInfo& info = source.info();
  const Index depth = archive::chunk_shape(info.grid)[kZ], planes = info.grid.shape[kZ];
  if (inspector != nullptr) inspector->begin(info);
  Batch batch(source);
  const auto flush = [&] {
    const std::vector<Slab>& slabs = batch.read();
    for (const Slab& slab : slabs)
      if (inspector != nullptr) inspector->planes(slab.t, slab.c, slab.first, slab.depth, slab.voxels);
    take(slabs);
    batch.clear();
  };
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c)
      for (Index z = 0; z < planes; z += depth) {
        batch.add({t, c, z, std::min(depth, planes - z), nullptr});
        if (batch.full()) flush();
      }
  if (!batch.empty()) flush();
}

/// Digests of whole files, on a thread of its own while the same bytes are read as images.
std::future<std::vector<Digest>> hash_files(std::vector<fs::path> files) {
  return std::async(std::launch::async, [files = std::move(files)] {
    std::vector<Digest> digests;
    for (const fs::path& file : files) digests.push_back(sha256_file(file));
    return digests;
  });
}

void check_name(const std::string& name) {
  if (name.empty() || !is_plain_utf8(name) || name.find_first_of("\n\r\t") != std::string::npos)
    throw UserError(
        "the image's name is empty or holds bytes that are no UTF-8 text on one line; give one with --name");
}

record::Manifest manifest_of(const ImportRequest& request, const ImageSource& source, const Digest& content,
                             std::vector<Digest> file_digests, const std::string& started) {
  record::Manifest m;
  m.kind = "acquisition";
  m.project = request.project;
  m.name = source.name();
  m.outputs = {{"image", "image", kFileName, content, source.info(), std::nullopt}};
  m.annotations = source.annotations();
  record::Origin origin;
  origin.importer = source.importer().name;
  origin.importer_version = source.importer().version;
  origin.converter = source.importer().command;
  origin.overrides = source.overrides();
  for (const fs::path& file : source.files()) origin.files.push_back(file.string());
  origin.file_digests = std::move(file_digests);
  m.origin = std::move(origin);
  m.agent = request.agent;
  m.started = started;
  return m;
}
}  // namespace

void check_project(const std::string& project) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (project == "events" || project == "runs" || project == "damaged" || project == "verifications")
    throw UserError(fmt::format("'{}' cannot name a project: the archive keeps its own records there", project));
  if (project.empty() || project.find_first_not_of(kAllowed) != std::string::npos)
    throw UserError(fmt::format("'{}' cannot name a project; letters, digits, '_' and '-' can", project));
}

record::Manifest inspect_image(const ImportRequest& request) {
  ImageSource source(request);
  auto file_digests = hash_files(source.files());
  for_slabs(source, request.inspector, [](const std::vector<Slab>&) {});
  return manifest_of(request, source, {}, file_digests.get(), format_time(system_clock().now()));
}

Imported import_image(const ImportRequest& request, const archive::Archive& archive) {
  const std::string started = format_time(system_clock().now());
  check_project(request.project);
  ImageSource source(request);
  check_name(source.name());
  // The folder is known only with the content; until then the artifact is built beside those of its project.
  archive::ArtifactBuilder builder(archive, request.project + "/acquisitions/new");
  archive::ImageWriter writer = builder.begin_image(kFileName, source.info(), source.info().dtype);
  auto file_digests = hash_files(source.files());
  for_slabs(source, request.inspector,
            [&](const std::vector<Slab>& slabs) { write_slabs(writer, source.info(), slabs, source.info().dtype); });
  archive::Metadata metadata;
  metadata.original = source.original_text();
  const Digest content = writer.finish(metadata, {few_threads(), {}});

  record::Manifest manifest = manifest_of(request, source, content, file_digests.get(), started);
  Imported imported{record::acquisition_folder(request.project, content),
                    content,
                    false,
                    source.info(),
                    source.name(),
                    manifest.origin.value()};
  if (!archive.published(imported.artifact)) {
    builder.retarget(imported.artifact);
    if (request.inspector != nullptr) request.inspector->complete(manifest);
    imported.already_there = builder.publish(std::move(manifest)) == archive::PublishOutcome::already_there;
  } else {
    imported.already_there = true;
    // Whoever published it may have died before the event; twice does no harm.
    if (const auto first = archive.manifest(imported.artifact))
      archive::emit_event(archive, record::published_event(*first, imported.artifact));
  }
  if (imported.already_there)
    if (const auto first = archive.manifest(imported.artifact)) imported.name = first->name;
  return imported;
}

}  // namespace voxflow::interop
