#include "pipeline/interop/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <future>

#include "pipeline/core/clock.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/image_source.hpp"
#include "pipeline/record/task.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
constexpr const char* kFileName = "data.h5";

/// Voxels that are read before they are encoded; a slab may be more.
constexpr std::size_t kBatchBytes = 64 << 20;

/// Planes of one chunk's depth of volume (t, c), all voxels of y and x.
struct Slab {
  int t = 0, c = 0;
  Index first = 0, depth = 0;
};

/// Slabs that are read together, then encoded together. The memory stays from batch to batch.
class Batch {
 public:
  explicit Batch(const record::ImageInfo& info)
      : info_(info),
        chunk_(archive::chunk_shape(info.grid)),
        counts_(archive::chunk_counts(info.grid)),
        plane_bytes_(static_cast<std::size_t>(info.grid.shape[kY] * info.grid.shape[kX]) * size_bytes(info.dtype)),
        slab_bytes_(plane_bytes_ * static_cast<std::size_t>(chunk_[kZ])) {}

  void add(const Slab& slab) { slabs_.push_back(slab); }
  bool full() const { return slabs_.size() * slab_bytes_ + slab_bytes_ > kBatchBytes; }

  /// Takes the slabs from the files to the writer.
  void flush(ImageSource& source, archive::ImageWriter& writer) {
    if (slabs_.empty()) return;
    if (voxels_.size() < slabs_.size() * slab_bytes_) voxels_.resize(slabs_.size() * slab_bytes_);
    read(source);
    source.close_all_but(slabs_.back().t, slabs_.back().c);
    write(writer);
    slabs_.clear();
  }

 private:
  /// In pieces that the files give best, on several threads.
  void read(ImageSource& source) {
    struct Piece {
      std::size_t slab;
      Index first, planes;
    };
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < slabs_.size(); ++i)
      for (Index z = 0; z < slabs_[i].depth; z += source.planes_at_once())
        pieces.push_back({i, z, std::min(source.planes_at_once(), slabs_[i].depth - z)});
    for_each_in_parallel(pieces.size(), few_threads(), [&](std::size_t i) {
      const auto& [number, first, planes] = pieces[i];
      const Slab& slab = slabs_[number];
      source.read_planes(slab.t, slab.c, slab.first + first, planes,
                         voxels_.data() + number * slab_bytes_ + static_cast<std::size_t>(first) * plane_bytes_);
    });
  }

  void write(archive::ImageWriter& writer) {
    const auto per_slab = static_cast<std::size_t>(counts_[kY] * counts_[kX]);
    const auto index = [&](std::size_t i) {
      const auto n = static_cast<Index>(i % per_slab);
      return Index3{slabs_[i / per_slab].first / chunk_[kZ], n / counts_[kX], n % counts_[kX]};
    };
    encoded_.resize(slabs_.size() * per_slab);
    for_each_in_parallel(encoded_.size(), few_threads(), [&](std::size_t i) {
      thread_local std::vector<unsigned char> voxels;
      cut_chunk(i / per_slab, index(i), voxels);
      encoded_[i] =
          archive::encode_chunk(voxels.data(), static_cast<std::size_t>(count(chunk_)), info_.dtype, info_.dtype);
    });
    for (std::size_t i = 0; i < encoded_.size(); ++i)
      writer.put(slabs_[i / per_slab].t, slabs_[i / per_slab].c, index(i), encoded_[i]);
  }

  /// Copies the chunk `index` of a slab to `voxels`, zero outside of the volume.
  void cut_chunk(std::size_t slab, const Index3& index, std::vector<unsigned char>& voxels) const {
    const std::size_t voxel_bytes = size_bytes(info_.dtype);
    const Index3& shape = info_.grid.shape;
    const Index y0 = index[kY] * chunk_[kY], x0 = index[kX] * chunk_[kX];
    const Index3 inside{slabs_[slab].depth, std::min(chunk_[kY], shape[kY] - y0), std::min(chunk_[kX], shape[kX] - x0)};
    voxels.resize(static_cast<std::size_t>(count(chunk_)) * voxel_bytes);
    if (inside != chunk_) std::fill(voxels.begin(), voxels.end(), 0);
    for (Index z = 0; z < inside[kZ]; ++z)
      for (Index y = 0; y < inside[kY]; ++y) {
        const Index from = (z * shape[kY] + y0 + y) * shape[kX] + x0, to = (z * chunk_[kY] + y) * chunk_[kX];
        std::memcpy(voxels.data() + static_cast<std::size_t>(to) * voxel_bytes,
                    voxels_.data() + slab * slab_bytes_ + static_cast<std::size_t>(from) * voxel_bytes,
                    static_cast<std::size_t>(inside[kX]) * voxel_bytes);
      }
  }

  const record::ImageInfo& info_;
  Index3 chunk_, counts_;
  std::size_t plane_bytes_, slab_bytes_;
  std::vector<Slab> slabs_;
  std::vector<unsigned char> voxels_;
  std::vector<archive::EncodedChunk> encoded_;
};

void stream(ImageSource& source, archive::ImageWriter& writer) {
  const record::ImageInfo& info = source.info();
  const Index depth = archive::chunk_shape(info.grid)[kZ], planes = info.grid.shape[kZ];
  Batch batch(info);
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c)
      for (Index z = 0; z < planes; z += depth) {
        batch.add({t, c, z, std::min(depth, planes - z)});
        if (batch.full()) batch.flush(source, writer);
      }
  batch.flush(source, writer);
}

/// Digests of whole files, on a thread of its own while the same bytes are read as images.
std::future<std::vector<Digest>> hash_files(std::vector<fs::path> files) {
  return std::async(std::launch::async, [files = std::move(files)] {
    std::vector<Digest> digests;
    for (const fs::path& file : files) digests.push_back(sha256_file(file));
    return digests;
  });
}

void check_project(const std::string& project) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (project == "events" || project == "runs" || project == "damaged")
    throw UserError(fmt::format("'{}' cannot name a project: the archive keeps its own records there", project));
  if (project.empty() || project.find_first_not_of(kAllowed) != std::string::npos)
    throw UserError(fmt::format("'{}' cannot name a project; letters, digits, '_' and '-' can", project));
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

Imported import_image(const ImportRequest& request, const archive::Archive& archive) {
  const std::string started = format_time(system_clock().now());
  check_project(request.project);
  ImageSource source(request);
  check_name(source.name());
  // The folder is known only with the content; until then the artifact is built beside those of its project.
  archive::ArtifactBuilder builder(archive, request.project + "/acquisitions/new");
  archive::ImageWriter writer(builder.folder() / kFileName, source.info(), source.info().dtype);
  auto file_digests = hash_files(source.files());
  stream(source, writer);
  archive::Metadata metadata;
  metadata.original = source.original_text();
  const Digest content = writer.finish(metadata, {few_threads(), {}});

  Imported imported{record::acquisition_folder(request.project, content), content, false, source.info(), source.name()};
  if (!archive.published(imported.artifact)) {
    builder.retarget(imported.artifact);
    imported.already_there = builder.publish(manifest_of(request, source, content, file_digests.get(), started)) ==
                             archive::PublishOutcome::already_there;
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
