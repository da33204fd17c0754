// One image in TIFF files: which page is which plane, and what the files say about it.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/interop/image_file.hpp"
#include "pipeline/interop/tiff_file.hpp"

namespace voxflow::interop {

struct OmeImage;
struct OmePages;

/// An image in a plain TIFF (pages are z, unless told otherwise), an ImageJ hyperstack or an OME-TIFF of one or several
/// files.
class TiffImage : public ImageFile {
 public:
  /// `options.series` chooses among the images of an OME-TIFF. Throws UserError naming file and page when the image is
  /// damaged, of a type that is not read, of pages that differ, or one of several and not chosen.
  explicit TiffImage(const std::filesystem::path& file, const OpenOptions& options = {});

  std::vector<std::filesystem::path> files() const override;
  void read_planes(int t, int c, Index first, Index planes, void* voxels) override;
  void close() override;

 private:
  struct PlaneAddress {
    int file = -1, page = 0;
  };
  const std::filesystem::path& path() const { return files_.front().path(); }
  void describe_plain(PageAxis pages);
  void describe_imagej();
  void describe_ome(std::optional<int> series);
  void place_pages(const OmeImage& image, const std::string& uuid);
  int file_of(const OmePages& pages, const std::string& uuid);
  void place_in_order();
  void check_pages();
  std::size_t plane_index(long t, long c, long z) const;

  std::vector<TiffFile> files_;
  std::vector<PlaneAddress> planes_;  // t, c, z
  std::string declared_type_;         // by OME-XML, "" otherwise
};

}  // namespace voxflow::interop
