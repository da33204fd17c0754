// Holds what an artifact contains against the digests that were stored with it.
#include <algorithm>

#include <fmt/format.h>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/archive/layout.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/record/identity.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

namespace {
/// The whole chunk at `at`, voxels outside the volume being 0 as when it was encoded.
std::vector<std::byte> whole_chunk(const ImageReader& image, std::size_t level, int t, int c, const Index3& at) {
  const Grid grid = image.grid(level);
  const DType dtype = image.info().dtype;
  const Index3 chunk = chunk_shape(grid);
  std::vector<std::byte> voxels(static_cast<std::size_t>(count(chunk)) * size_bytes(dtype));
  const Box3 box = intersect({layout::chunk_origin(at, chunk), chunk}, grid.box());
  image.read_erased(t, c, box, dtype, voxels.data(), {chunk[kY] * chunk[kX], chunk[kX], 1}, level);
  return voxels;
}

void verify_volume(const ImageReader& image, const std::string& name, std::size_t level, int t, int c,
                   std::span<const Digest> stored, std::vector<std::string>& problems) {
  const Index3 counts = chunk_counts(image.grid(level));
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const Index3 at = layout::chunk_at(i, counts);
    try {
      const auto voxels = whole_chunk(image, level, t, c, at);
      if (sha256(voxels.data(), voxels.size()) != stored[i])
        problems.push_back(fmt::format("{}: {}: the voxels are not those that were written (another SHA-256)", name,
                                       layout::chunk_name(t, c, at, level)));
    } catch (const SystemError& e) {
      problems.emplace_back(e.what());
    }
  }
}

void verify_all_volumes(const fs::path& file, std::vector<std::string>& problems) {
  const ImageReader image(file);
  const auto& info = image.info();
  std::vector<Digest> volumes;
  for (std::size_t level = 0; level < image.levels(); ++level)
    for (int t = 0; t < info.timepoints; ++t)
      for (int c = 0; c < info.channel_count(); ++c) {
        const auto stored = image.chunk_digests(t, c, level);
        verify_volume(image, file.string(), level, t, c, stored, problems);
        if (level == 0) volumes.push_back(record::volume_digest(info, stored));
      }
  if (record::image_digest(volumes) != image.content_digest())
    problems.push_back(fmt::format("{}: the chunk digests do not give the content digest", file.string()));
}

void verify_file(const fs::path& file, const record::FileRecord& recorded, std::vector<std::string>& problems) {
  if (!fs::exists(file)) {
    problems.push_back(fmt::format("{}: the file is missing", file.string()));
    return;
  }
  if (sha256_file(file) == recorded.sha256) return;
  problems.push_back(fmt::format("{}: the file is not the one that was published ({} bytes, {} then; another SHA-256)",
                                 file.string(), fs::file_size(file), recorded.size_bytes));
  if (file.extension() != ".h5") return;
  for (auto& problem : verify_image(file)) problems.push_back(std::move(problem));
}

void verify_files(const fs::path& folder, const record::Manifest& manifest, std::vector<std::string>& problems) {
  for (const record::FileRecord& f : manifest.files) verify_file(folder / f.name, f, problems);
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool recorded = name == record::kManifestName || std::any_of(manifest.files.begin(), manifest.files.end(),
                                                                       [&](const auto& f) { return f.name == name; });
    if (!recorded) problems.push_back(fmt::format("{}: the file is not in the manifest", entry.path().string()));
  }
}
}  // namespace

std::vector<std::string> verify_artifact(const Archive& archive, const std::string& artifact) {
  const fs::path folder = archive.root() / artifact;
  if (!archive.published(artifact)) throw UserError(fmt::format("there is no artifact '{}'", folder.string()));
  std::vector<std::string> problems;
  try {
    verify_files(folder, archive.manifest(artifact).value(), problems);
  } catch (const Error& e) {
    problems.emplace_back(e.what());
  }
  return problems;
}

std::vector<std::string> verify_image(const fs::path& file) {
  std::vector<std::string> problems;
  try {
    verify_all_volumes(file, problems);
  } catch (const Error& e) {
    problems.emplace_back(e.what());
  }
  return problems;
}

}  // namespace voxflow::archive
