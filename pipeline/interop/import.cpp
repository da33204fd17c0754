#include "pipeline/interop/import.hpp"

#include <fmt/format.h>

#include <algorithm>

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

void stream(ImageSource& source, archive::ImageWriter& writer) {
  const record::ImageInfo& info = source.info();
  const Index depth = archive::chunk_shape(info.grid)[kZ];
  const auto plane_bytes = static_cast<std::size_t>(info.grid.shape[kY] * info.grid.shape[kX]) * size_bytes(info.dtype);
  Slab slab;
  slab.bytes.resize(plane_bytes * static_cast<std::size_t>(depth));
  for (int t = 0; t < info.timepoints; ++t)
    for (int c = 0; c < info.channel_count(); ++c)
      for (Index z = 0; z < info.grid.shape[kZ]; z += depth) {
        slab.depth = std::min(depth, info.grid.shape[kZ] - z);
        source.read_planes(t, c, z, slab.depth, slab.bytes.data());
        source.close();
        write_slab(writer, info, t, c, z / depth, slab, info.dtype);
      }
}

void check_project(const std::string& project) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (project == "events" || project == "runs" || project == "damaged" || project == "verifications")
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
                             const std::string& started) {
  record::Manifest m;
  m.kind = "acquisition";
  m.project = request.project;
  m.name = source.name();
  m.outputs = {{"image", "image", kFileName, content, source.info(), std::nullopt}};
  m.annotations = source.annotations();
  record::Origin origin;
  origin.importer = source.importer().name;
  origin.importer_version = source.importer().version;
  origin.overrides = source.overrides();
  for (const fs::path& file : source.files()) {
    origin.files.push_back(file.string());
    origin.file_digests.push_back(sha256_file(file));
  }
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
  stream(source, writer);
  archive::Metadata metadata;
  metadata.original = source.original_text();
  const Digest content = writer.finish(metadata, {few_threads(), {}});

  Imported imported{record::acquisition_folder(request.project, content), content, false, source.info(), source.name()};
  if (!archive.published(imported.artifact)) {
    builder.retarget(imported.artifact);
    imported.already_there =
        builder.publish(manifest_of(request, source, content, started)) == archive::PublishOutcome::already_there;
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
