#include "pipeline/archive/check.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/archive/checked_image.hpp"
#include "pipeline/archive/layout.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/record/manifest.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

namespace {
constexpr std::size_t kMostPlaces = 5;

void check_name(CheckedImage& image) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  const std::string stem = image.file.stem().string();
  if (image.file.extension() == ".h5" && !stem.empty() && stem.find_first_not_of(kAllowed) == std::string::npos) return;
  image.refuse("file-name", "", fmt::format("the file is named '{}'", image.file.filename().string()),
               "letters, digits, '_' and '-', then '.h5': Bio-Formats cuts the name at the first dot",
               "rename it, and the XML beside it, such as data.h5 and data.xml");
}

void check_manifest(const fs::path& folder, const record::Manifest& manifest, CheckedImage& image) {
  for (const record::Output& o : manifest.outputs) {
    if (o.file != image.file.filename() || !o.image) continue;
    const record::ImageInfo& info = *o.image;
    const bool same = info.timepoints == image.timepoints && info.channels.size() == image.setups.size() &&
                      std::all_of(image.setups.begin(), image.setups.end(),
                                  [&](const CheckedSetup& s) { return s.shape == info.grid.shape; });
    if (!same)
      image.refuse("manifest-sizes", "", "the sizes of its volumes are others than its manifest's",
                   fmt::format("those of '{}'", (folder / record::kManifestName).string()), kMakeAgain);
  }
}

std::vector<Finding> check(const fs::path& file, CheckVoxels voxels, const record::Manifest* manifest) {
  CheckedImage image(file);
  check_name(image);
  {
    const hdf5::Lock lock;
    image.h5 = hdf5::open_file(file);
    with_context(file.string(), [&] {
      check_layout(image);
      check_xml(image);
    });
  }
  if (manifest != nullptr) check_manifest(file.parent_path(), *manifest, image);
  if (voxels == CheckVoxels::yes && image.sound()) check_levels(image);
  const hdf5::Lock lock;
  image.h5 = hdf5::Handle();
  return image.take();
}
}  // namespace

std::string Finding::text() const {
  return fmt::format("{}: {}; allowed: {}; {} (rule '{}')", place, value, allowed, remedy, rule);
}

void CheckedImage::refuse(const std::string& rule, const std::string& object, const std::string& value,
                          const std::string& allowed, const std::string& remedy) {
  if (++counts_[rule] > kMostPlaces) return;
  findings_.push_back({rule, object.empty() ? file.string() : file.string() + ": " + object, value, allowed, remedy});
}

void CheckedImage::note(const std::string& rule, const std::string& value, const std::string& allowed,
                        const std::string& remedy) {
  findings_.push_back({rule, file.string(), value, allowed, remedy, true});
}

std::vector<Finding> CheckedImage::take() {
  for (const auto& [rule, count] : counts_)
    if (count > kMostPlaces) {
      const auto last = std::find_if(findings_.rbegin(), findings_.rend(),
                                     [&name = rule](const Finding& f) { return f.rule == name; });
      last->place += fmt::format(" (and {} more places)", count - kMostPlaces);
    }
  return std::move(findings_);
}

std::vector<Finding> check_image(const fs::path& file, CheckVoxels voxels) {
  return check(file, voxels, nullptr);
}

std::vector<Finding> check_artifact(const fs::path& folder, CheckVoxels voxels) {
  std::vector<fs::path> images;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".h5") images.push_back(entry.path());
  if (images.empty())
    throw UserError(
        fmt::format("'{}' holds no .h5 file, and only images are checked; `voxflow verify` tells whether its files are "
                    "still what was published",
                    folder.string()));
  std::sort(images.begin(), images.end());
  std::optional<record::Manifest> manifest;
  if (const fs::path file = folder / record::kManifestName; fs::exists(file))
    manifest = with_context(file.string(), [&] { return record::Manifest::from_json(read_file(file)); });
  std::vector<Finding> findings;
  for (const fs::path& image : images)
    for (Finding& f : check(image, voxels, manifest ? &*manifest : nullptr)) findings.push_back(std::move(f));
  return findings;
}

}  // namespace voxflow::archive
