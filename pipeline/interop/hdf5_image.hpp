// Images in HDF5 files: one reader, and for each format a function that finds the volumes and what is said of them.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "pipeline/archive/hdf5_file.hpp"
#include "pipeline/interop/image_file.hpp"

namespace voxflow::interop {

/// Where the voxels of an image lie.
struct Hdf5Layout {
  /// Of each volume, t by t and c by c; or one that holds all of them.
  std::vector<std::string> datasets;
  /// The axes of a dataset in its order, of "tczyx"; one that is not named has length 1 in the image.
  std::string axes = "zyx";
  /// As on disk, and what its bits mean: BigDataViewer's older files keep uint16 as int16.
  SampleType stored_as = SampleType::uint16;
};

/// An image whose datasets may be larger than what is used of them: Imaris pads volumes to whole chunks.
class Hdf5Image : public ImageFile {
 public:
  /// `files`: the one that was opened, then `file` unless it is that.
  Hdf5Image(std::unique_ptr<archive::Hdf5File> file, std::vector<std::filesystem::path> files, ImageFacts facts,
            Hdf5Layout layout);

  std::vector<std::filesystem::path> files() const override { return files_; }
  void read_planes(int t, int c, Index first, Index planes, void* voxels) override;
  Index planes_at_once() const override { return facts().shape[kZ]; }

 private:
  std::unique_ptr<archive::Hdf5File> file_;
  std::vector<std::filesystem::path> files_;
  Hdf5Layout layout_;
};

/// BigDataViewer: SpimData XML and the HDF5 file that it names. Setups that differ in their channel alone are the
/// channels of one image; illuminations, tiles and angles are images of their own, of which `options.series` chooses
/// one.
std::unique_ptr<ImageFile> open_bdv_xml(const std::filesystem::path& file, const OpenOptions& options);

/// An HDF5 file: Imaris, BigDataViewer (with the XML beside it, where there is one), or a volume in a dataset as
/// ilastik and PlantSeg write them, with `element_size_um` and axistags.
std::unique_ptr<ImageFile> open_hdf5(const std::filesystem::path& file, const OpenOptions& options);

/// Those that open_hdf5 chooses from.
bool is_imaris(const archive::Hdf5File& file);
std::unique_ptr<ImageFile> open_imaris(std::unique_ptr<archive::Hdf5File> file);
bool is_bdv(const archive::Hdf5File& file);
std::unique_ptr<ImageFile> open_bdv_hdf5(std::unique_ptr<archive::Hdf5File> file);
std::unique_ptr<ImageFile> open_hdf5_volume(std::unique_ptr<archive::Hdf5File> file, const std::string& dataset);

}  // namespace voxflow::interop
