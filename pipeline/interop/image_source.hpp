// The image that an import request describes: the planes of its files as one t-c-z-y-x image.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/interop/image_file.hpp"
#include "pipeline/interop/import.hpp"

namespace voxflow::interop {

/// Files put together as the request says.
class ImageSource {
 public:
  /// Throws UserError when files do not fit together or a spacing is not known.
  explicit ImageSource(const ImportRequest& request);

  const record::ImageInfo& info() const { return info_; }
  const std::string& name() const { return name_; }
  /// From the files and the request, each key once.
  const std::vector<record::Annotation>& annotations() const { return annotations_; }
  /// Calibration given by a person where the files say something else or nothing: JSON text, "" for none.
  const std::string& overrides() const { return overrides_; }
  /// The files' own descriptions.
  std::string original_text() const;
  std::vector<std::filesystem::path> files() const;
  /// Copies `planes` consecutive planes of volume (t, c), plane by plane and row by row, in the image's voxel type. May
  /// be called by several threads at a time. Throws UserError, naming the place, when they are damaged.
  void read_planes(int t, int c, Index first, Index planes, void* voxels);
  void read_plane(int t, int c, Index z, void* voxels) { read_planes(t, c, z, 1, voxels); }
  /// How many consecutive planes are read best in one call.
  Index planes_at_once() const { return parts_.front()->planes_at_once(); }
  /// Gives descriptors and buffers back, but for those of the file with volume (t, c). Not while another thread reads.
  void close_all_but(int t, int c);
  /// Which reader read the files.
  const Importer& importer() const { return parts_.front()->facts().importer; }

 private:
  void check_alike() const;
  void resolve_spacing(const ImportRequest& request);
  void resolve_time_step(const ImportRequest& request);
  void override_calibration(const char* what, const std::string& file, const std::string& given);
  void name_channels(const ImportRequest& request);
  void gather_annotations(const ImportRequest& request);

  std::size_t part_of(int& t, int& c, Index& z) const;

  FileGrid grid_;
  std::vector<std::unique_ptr<ImageFile>> parts_;  // t, c, z
  record::ImageInfo info_;
  std::string name_, overrides_;
  std::vector<record::Annotation> annotations_;
};

/// A file's name without what tells its format: "a" of "a.ome.tif".
std::string stem_of(const std::filesystem::path& file);

/// What the names have in common before their differing ends, cut at a separator: "nuclei_1" of "nuclei_1_C0" and
/// "nuclei_1_C1"; the first name when that is nothing.
std::string common_name(const std::vector<std::string>& names);

}  // namespace voxflow::interop
