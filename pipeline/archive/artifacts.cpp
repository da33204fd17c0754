#include <algorithm>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/core/error.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

std::vector<std::string> published_artifacts(const Archive& archive) {
  std::vector<std::string> found;
  try {
    for (const auto& project : fs::directory_iterator(archive.root()))
      for (const char* part : {"acquisitions", "raw", "results"}) {
        if (!fs::is_directory(project.path() / part)) continue;
        for (const auto& shelf : fs::directory_iterator(project.path() / part)) {
          if (!shelf.is_directory()) continue;
          for (const auto& folder : fs::directory_iterator(shelf.path()))
            if (fs::exists(folder.path() / record::kManifestName))
              found.push_back(fs::relative(folder.path(), archive.root()).string());
        }
      }
  } catch (const fs::filesystem_error& e) {
    throw_errno("cannot look through the archive '" + e.path1().string() + "'", e.code().value());
  }
  // "damaged" is laid out like the root, a level deeper, and so not looked into.
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace voxflow::archive
