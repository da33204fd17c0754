#include "pipeline/acquisition/raw_files.hpp"

#include <set>

#include <fmt/format.h>

#include "pipeline/core/clock.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"

namespace fs = std::filesystem;

namespace voxflow::acquisition {

namespace {
/// The files' own names, since files name each other; numbered where two are alike or one is the manifest's.
std::vector<std::string> names_of(const std::vector<std::string>& files) {
  std::set<std::string> taken{record::kManifestName};
  std::vector<std::string> names;
  for (const std::string& file : files) {
    const std::string own = fs::path(file).filename().string();
    std::string name = own;
    for (int i = 2; !taken.insert(name).second; ++i) name = fmt::format("{}_{}", i, own);
    names.push_back(name);
  }
  return names;
}
}  // namespace

std::string keep_raw_files(const archive::Archive& archive, const std::string& project, const std::string& agent,
                           const std::vector<std::string>& files, const std::vector<Digest>& digests) {
  const auto names = names_of(files);
  Sha256 hash;
  for (std::size_t i = 0; i < files.size(); ++i) hash.update(fmt::format("{} {}\n", digests[i].hex(), names[i]));
  const std::string id = hash.finish().hex();
  std::string artifact = fmt::format("{}/raw/{}/{}", project, id.substr(0, 2), id);
  if (archive.published(artifact)) return artifact;
  archive::ArtifactBuilder builder(archive, artifact);
  record::Manifest manifest;
  manifest.kind = "raw";
  manifest.project = project;
  manifest.agent = agent;
  manifest.started = format_time(system_clock().now());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const fs::path copy = builder.folder() / names[i];
    copy_to_new_file(files[i], copy);
    if (sha256_file(copy) != digests[i])
      throw SystemError(fmt::format("'{}' changed while it was copied; import it again when it is complete", files[i]));
  }
  manifest.origin.emplace();
  manifest.origin->files = files;
  manifest.origin->file_digests = digests;
  builder.publish(std::move(manifest));
  return artifact;
}

}  // namespace voxflow::acquisition
